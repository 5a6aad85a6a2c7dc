#include "gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static void join(struct pieces *pieces, const char *data, size_t len)
{
    if (pieces->len + len + 1 > pieces->room) {
        pieces->room = 2 * pieces->room + len + 1;
        pieces->data = realloc(pieces->data, pieces->room);
        if (pieces->data == NULL)
            check_fatal("no memory");
    }
    if (len > 0)
        memcpy(pieces->data + pieces->len, data, len);
    pieces->len += len;
    pieces->data[pieces->len] = '\0';
}

int32_t gather(const char *data, size_t len, void *context)
{
    struct pieces *pieces = context;
    CHECK(data != NULL && len > 0);
    pieces->calls++;
    join(pieces, data, len);
    return pieces->calls == pieces->stop_at;
}

void pieces_free(struct pieces *pieces)
{
    free(pieces->data);
    memset(pieces, 0, sizeof *pieces);
}

int32_t gather_messages(int32_t number, const char *data, size_t len, int32_t last, void *context)
{
    struct letters *letters = context;
    struct letter *letter;
    if (letters->count == 0 || letters->items[letters->count - 1].last != 0) {
        letters->items = realloc(letters->items, (letters->count + 1) * sizeof *letters->items);
        if (letters->items == NULL)
            check_fatal("no memory");
        memset(&letters->items[letters->count], 0, sizeof *letters->items);
        letters->items[letters->count++].number = number;
    }
    letter = &letters->items[letters->count - 1];
    /* one message ends before another begins */
    CHECK_INT(number, letter->number);
    CHECK(last == 0 || last == 1 || last < 0);
    if (last < 0) {
        CHECK(data == NULL && len == 0);
        CHECK_INT(letter->pieces.calls, 0);
    } else {
        CHECK(data != NULL || len == 0);
        CHECK(last == 1 || len > 0);
        join(&letter->pieces, data, len);
    }
    letter->pieces.calls++;
    letter->last = last;
    letters->whole += last == 1;
    letters->calls++;
    return letters->calls == letters->stop_at ? -7 : 0;
}

const char *letters_text(const struct letters *letters)
{
    static char text[1 << 16];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < letters->count && used < sizeof text - 64; i++) {
        const struct letter *letter = &letters->items[i];
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d:", i > 0 ? " " : "", (int)letter->number);
        if (letter->last != 0)
            used += (size_t)snprintf(text + used, sizeof text - used, "%lld",
                                     letter->last == 1 ? (long long)letter->pieces.len : (long long)letter->last);
    }
    return text;
}

void letters_free(struct letters *letters)
{
    for (size_t i = 0; i < letters->count; i++)
        pieces_free(&letters->items[i].pieces);
    free(letters->items);
    memset(letters, 0, sizeof *letters);
}
