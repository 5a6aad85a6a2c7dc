/* Callbacks that keep the messages they are given. */
#ifndef GATHER_H
#define GATHER_H

#include <stddef.h>
#include <stdint.h>

/* The pieces of one message, joined. Begin with a zeroed one. */
struct pieces {
    char *data;
    size_t len;
    /* how many octets there is room for */
    size_t room;
    int calls;
    /* the call that is answered with non-zero, from 1; 0 for none */
    int stop_at;
};

/* A pop3_data_cb; `context` is a struct pieces. */
int32_t gather(const char *data, size_t len, void *context);
void pieces_free(struct pieces *pieces);

/* A message, or what became of it. */
struct letter {
    int32_t number;
    /* of the last call: 0 if that did not come */
    int32_t last;
    struct pieces pieces;
};

/* Many messages in the order in which they came. Begin with a zeroed one. */
struct letters {
    struct letter *items;
    size_t count;
    int calls;
    int stop_at;
    /* how many calls with `last` 1 there were */
    int whole;
};

/* A pop3_message_cb; `context` is a struct letters. Checks that each call is one that may come. */
int32_t gather_messages(int32_t number, const char *data, size_t len, int32_t last, void *context);
/* "1:120 2:-2001 3:" for 120 octets of message 1, message 2 refused, message 3 not whole; good until the next call. */
const char *letters_text(const struct letters *letters);
void letters_free(struct letters *letters);

#endif
