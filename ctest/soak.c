/* Sessions in a loop, in all three modes in turn: memory and descriptors must stay where they are. soak [SESSIONS] */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "clock.h"
#include "pop3connect.h"
#include "process.h"
#include "server.h"
#include "session.h"

/* What the allocator keeps may differ by that much. */
#define SLACK_KIB 2048

static long sessions = 100000;

static int32_t count_bytes(const char *data, size_t len, void *context)
{
    (void)data;
    *(long *)context += (long)len;
    return 0;
}

static void one_session(int port_of_mailbox, int secure, long *bytes)
{
    int socket = connect_to(port_of_mailbox, secure);
    pop3_list list;
    CHECK_INT(pop3_message_count(socket, NULL), 3);
    CHECK_INT(pop3_list_messages(socket, 0, &list, NULL), 0);
    pop3_list_free(&list);
    CHECK_INT(pop3_recv_message_to(socket, 1, count_bytes, bytes, NULL), 0);
    CHECK_INT(pop3_disconnect(socket, NULL), 0);
    /* a full handshake and CAPA now and then */
    if (rand() % 10 == 0)
        pop3_forget(NULL);
}

static void memory_and_descriptors_stay(void)
{
    const char *const modes[] = {"messages=3", "tls=implicit messages=3", "tls=stls messages=3"};
    int ports[3];
    for (int secure = 0; secure < 3; secure++)
        ports[secure] = server_mailbox(modes[secure]);
    long warm = sessions / 10, bytes = 0, resident = 0, heap = 0;
    int descriptors = 0;
    long long begin = now_ms();
    for (long i = 0; i < sessions; i++) {
        if (i == warm) {
            pop3_forget(NULL);
            peak_forget();
            resident = resident_kib();
            heap = (long)(mallinfo2().uordblks / 1024);
            descriptors = open_descriptors();
        }
        one_session(ports[i % 3], (int)(i % 3), &bytes);
    }
    pop3_forget(NULL);
    long heap_end = (long)(mallinfo2().uordblks / 1024);
    printf("%ld sessions in %.1f s, %ld bytes of messages\n", sessions, (double)(now_ms() - begin) / 1000, bytes);
    printf("resident after %ld: %ld KiB, at the end: %ld KiB, at the most: %ld KiB\n", warm, resident, resident_kib(),
           peak_kib());
    printf("heap in use after %ld: %ld KiB, at the end: %ld KiB; descriptors: %d and %d\n", warm, heap, heap_end,
           descriptors, open_descriptors());
    CHECK(peak_kib() - resident < SLACK_KIB);
    CHECK(heap_end - heap < 128);
    CHECK_INT(open_descriptors(), descriptors);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        sessions = atol(argv[1]);
    if (sessions < 100)
        check_fatal("soak [SESSIONS]: at least 100");
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(memory_and_descriptors_stay);
    return check_result();
}
