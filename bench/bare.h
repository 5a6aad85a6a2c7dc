/* What a careful C programmer would write by hand for this very dialogue: the yardstick. */
#ifndef BARE_H
#define BARE_H

#include "client.h"

extern const struct client bare;

#endif
