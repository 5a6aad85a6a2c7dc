/* What a careful C programmer would write by hand for this very dialogue: the yardstick. */
#include "bare_session.h"
#include "client.h"

static int session(const struct target *target)
{
    struct bare_stream stream;
    int result = bare_log_in(&stream, target);
    if (result == 0)
        result = bare_quit(&stream);
    bare_close(&stream);
    return result;
}

const struct client bare = {"bare loop", bare_prepare, session, bare_clean_up};
