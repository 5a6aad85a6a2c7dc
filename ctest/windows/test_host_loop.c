/* A loop of the library beside the host's own, where no descriptor tells of what is ready. */
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <windows.h>

#include "check.h"
#include "clock.h"
#include "pop3connect.h"
#include "process.h"
#include "script.h"
#include "server.h"
#include "session.h"

static void keep_result(int32_t call, int32_t result, void *context)
{
    (void)call;
    *(int32_t *)context = result;
}

/* As a host does whose own loop rings for the library every few milliseconds. */
static void run_by_a_timer(void)
{
    enum { CALLS = 6 };
    pop3_loop *loop = pop3_loop_new();
    int32_t results[CALLS] = {0};
    CHECK_INT(pop3_loop_fd(loop), -1);
    for (int i = 0; i < CALLS; i++) {
        pop3_options *options = options_for(server_mailbox(i % 2 ? "messages=4 size=0 tls=implicit" : "messages=4 size=0"), i % 2);
        CHECK(pop3_loop_stat(loop, options, keep_result, &results[i]) > 0);
        pop3_options_free(options);
    }
    while (pop3_loop_run(loop, 0) > 0)
        sleep_ms(5);
    for (int i = 0; i < CALLS; i++)
        CHECK_INT(results[i], 4);
    pop3_loop_free(loop);
}

static void *run_to_the_end(void *loop)
{
    while (pop3_loop_run(loop, -1) > 0)
        ;
    return NULL;
}

/* As a host does that has a thread for it. */
static void run_by_a_thread(void)
{
    pop3_loop *loop = pop3_loop_new();
    int32_t result = 0;
    pop3_options *options = options_for(server_mailbox("messages=4 size=0"), 0);
    pop3_options *silent = options_for(server_play("", "hold\n"), 0);
    pop3_options_set_timeouts(silent, 60000, 300, 0);
    int32_t late = 0;
    CHECK(pop3_loop_stat(loop, options, keep_result, &result) > 0);
    CHECK(pop3_loop_stat(loop, silent, keep_result, &late) > 0);
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, run_to_the_end, loop), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(result, 4);
    CHECK_INT(late, POP3_ERR_TIMEOUT);
    pop3_options_free(options);
    pop3_options_free(silent);
    pop3_loop_free(loop);
}

/* How many handles of whatever kind the process has. */
static int handles(void)
{
    enum { HIGHEST_HANDLE = 0x4000 };
    int count = 0;
    for (uintptr_t handle = 4; handle <= HIGHEST_HANDLE; handle += 4) {
        DWORD flags;
        count += GetHandleInformation((HANDLE)handle, &flags) != 0;
    }
    return count;
}

/* What the system has to wait for sockets is given back, however much is under way when a loop is freed. */
static void loops_leave_no_handles(void)
{
    enum { LOOPS = 10, CALLS = 5 };
    pop3_options *options = options_for(server_mailbox("messages=1 size=0"), 0);
    pop3_options *silent[LOOPS];
    for (int i = 0; i < LOOPS; i++)
        silent[i] = options_for(server_play("", "hold\n"), 0);
    int before = 0;
    for (int i = 0; i < LOOPS; i++) {
        pop3_loop *loop = pop3_loop_new();
        int32_t result = 0;
        for (int j = 0; j < CALLS; j++)
            CHECK(pop3_loop_stat(loop, options, keep_result, &result) > 0);
        CHECK(pop3_loop_stat(loop, silent[i], NULL, NULL) > 0);
        while (pop3_loop_run(loop, 50) > 1)
            ;
        /* nothing comes any more: it is waited for */
        for (int j = 0; j < 3; j++)
            CHECK_INT(pop3_loop_run(loop, 10), 1);
        CHECK_INT(result, 1);
        pop3_loop_free(loop);
        /* the first may have left what there is one of */
        if (i == 0)
            before = handles();
    }
    CHECK_INT(handles(), before);
    pop3_options_free(options);
    for (int i = 0; i < LOOPS; i++)
        pop3_options_free(silent[i]);
}

int main(void)
{
    CHECK_INT(pop3_set_secure_dir(in(server_dir(), "secure")), 0);
    RUN(run_by_a_timer);
    RUN(run_by_a_thread);
    RUN(loops_leave_no_handles);
    return check_result();
}
