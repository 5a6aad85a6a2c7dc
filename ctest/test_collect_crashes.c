/* Collecting on Linux: killed at any moment, without room on the disk, with the book in other hands, after days. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "folders.h"
#include "pop3connect.h"
#include "process.h"
#include "server.h"
#include "session.h"
#include "times.h"

enum { MESSAGES = 500 };

static char folder[256];
static char book[300];

/* A message on its way into a file, as a mail program does it: written beside, synced, then renamed. */
struct file {
    int fd;
    char path[400];
};

static void must(int ok, const char *what)
{
    if (!ok)
        check_fatal("%s: %s", what, strerror(errno));
}

static int32_t into_file(const pop3_arrival *arrival, const char *data, size_t len, int32_t last, void *context)
{
    struct file *file = context;
    char path[400];
    if (last < 0) {
        if (file->fd >= 0)
            close(file->fd);
        file->fd = -1;
        return 0;
    }
    if (file->fd < 0) {
        snprintf(file->path, sizeof file->path, "%s/tmp/%s", folder, arrival->uid);
        file->fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        must(file->fd >= 0, file->path);
    }
    must(len == 0 || write(file->fd, data, len) == (ssize_t)len, "write");
    if (!last)
        return 0;
    close(file->fd);
    file->fd = -1;
    snprintf(path, sizeof path, "%s/new/%s", folder, arrival->uid);
    must(rename(file->path, path) == 0, "rename");
    /* each time that it comes whole is noted */
    snprintf(path, sizeof path, "%s/log", folder);
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    must(log >= 0, path);
    char line[64];
    int length = snprintf(line, sizeof line, "%s\n", arrival->uid);
    must(write(log, line, (size_t)length) == length, "write");
    close(log);
    /* a test may want it to stay here until it is killed */
    snprintf(path, sizeof path, "%s/stay", folder);
    while (access(path, F_OK) == 0)
        pause();
    return 0;
}

static int32_t count(const pop3_arrival *arrival, const char *data, size_t len, int32_t last, void *context)
{
    (void)arrival, (void)data, (void)len;
    *(int *)context += last == 1;
    return 0;
}

static pop3_job *job_for(pop3_job *job, int days, void *context,
                         int32_t (*callback)(const pop3_arrival *, const char *, size_t, int32_t, void *))
{
    CHECK_INT(pop3_job_set_book(job, book), POP3_OK);
    CHECK_INT(pop3_job_set_delete(job, days), POP3_OK);
    CHECK_INT(pop3_job_set_message_cb(job, callback, context), POP3_OK);
    return job;
}

/* One run of a program of its own, which may be killed: its arguments are the port, the folder and the days. */
static int collect_into_files(char *arguments[])
{
    struct file file = {.fd = -1};
    pop3_outcome outcome;
    snprintf(folder, sizeof folder, "%s", arguments[1]);
    snprintf(book, sizeof book, "%s/book", folder);
    pop3_options *options = options_for(atoi(arguments[0]), POP3_CLEAR);
    pop3_job *job = job_for(pop3_job_new(), atoi(arguments[2]), &file, into_file);
    int result = pop3_collect(options, job, &outcome);
    if (result != POP3_OK)
        fprintf(stderr, "%d: %s\n", result, pop3_get_last_error());
    pop3_job_free(job);
    pop3_options_free(options);
    return result == POP3_OK ? 0 : 1;
}

static pid_t start(int where, int days)
{
    char port_text[16], days_text[16];
    snprintf(port_text, sizeof port_text, "%d", where);
    snprintf(days_text, sizeof days_text, "%d", days);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        execl(own_path(), own_path(), "collect", port_text, folder, days_text, (char *)NULL);
        _exit(127);
    }
    return child;
}

static void make_folders(void)
{
    char path[400];
    snprintf(folder, sizeof folder, "/tmp/pop3-crashes-XXXXXX");
    make_temporary(folder);
    snprintf(book, sizeof book, "%s/book", folder);
    snprintf(path, sizeof path, "%s/tmp", folder);
    must(mkdir(path, 0700) == 0, path);
    snprintf(path, sizeof path, "%s/new", folder);
    must(mkdir(path, 0700) == 0, path);
}

/* How often the lines of the log say each message, and how many files there are. */
static void check_files(int kills)
{
    char path[400], line[64];
    static int times[MESSAGES + 1];
    memset(times, 0, sizeof times);
    snprintf(path, sizeof path, "%s/log", folder);
    FILE *log = fopen(path, "r");
    must(log != NULL, path);
    while (fgets(line, sizeof line, log)) {
        int number = atoi(line + strlen("uid-"));
        if (CHECK(number >= 1 && number <= MESSAGES))
            times[number]++;
    }
    fclose(log);
    int missing = 0, repeated = 0;
    for (int number = 1; number <= MESSAGES; number++) {
        snprintf(path, sizeof path, "%s/new/uid-%d", folder, number);
        struct stat status;
        missing += times[number] == 0 || stat(path, &status) != 0 || status.st_size < 200;
        repeated += times[number] > 0 ? times[number] - 1 : 0;
    }
    CHECK_INT(missing, 0);
    /* at most the one that was being handed over */
    CHECK(repeated <= kills);
    printf("       %d kills, %d messages: %d missing, %d repeated\n", kills, MESSAGES, missing, repeated);
}

static long size_of_log(void)
{
    char path[400];
    struct stat status;
    snprintf(path, sizeof path, "%s/log", folder);
    return stat(path, &status) == 0 ? (long)status.st_size : 0;
}

/* A mailbox is taken by runs that are killed, until there is nothing left of it or there were enough; how many there were. */
static int kill_runs(int days, int most_kills)
{
    make_folders();
    char options_text[64];
    snprintf(options_text, sizeof options_text, "messages=%d size=4000", MESSAGES);
    int where = server_mailbox(options_text);
    int kills = 0, status = 0;
    long most = 4000, before = 0;
    while (kills < most_kills) {
        pid_t child = start(where, days);
        usleep((useconds_t)(500 + rand() % most));
        kill(child, SIGKILL);
        must(waitpid(child, &status, 0) == child, "waitpid");
        if (!WIFSIGNALED(status))
            break;
        kills++;
        /* as long as it takes for one or two messages, whatever else the machine does: so most kills find some left */
        long now = size_of_log();
        most = now == before ? most + most / 8 : now - before < 12 ? most : most * 2 / 3;
        before = now;
    }
    pid_t child = start(where, days);
    must(waitpid(child, &status, 0) == child, "waitpid");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_files(kills);
    pop3_options *options = options_for(where, POP3_CLEAR);
    CHECK_INT(pop3_stat_with(options), days == 0 ? 0 : MESSAGES);
    pop3_options_free(options);
    remove_folder(folder);
    return kills;
}

static void killed(int days)
{
    srand(20251126);
    for (int kills = 0; kills < KILLS;)
        kills += kill_runs(days, KILLS - kills);
}

static void killed_while_mail_is_kept(void)
{
    killed(-1);
}

static void killed_while_mail_is_deleted(void)
{
    killed(0);
}

/* A run here: its result, and what came. */
static int run_with(const pop3_options *options, int days, int *came, pop3_outcome *outcome)
{
    *came = 0;
    pop3_job *job = job_for(pop3_job_new(), days, came, count);
    int result = pop3_collect(options, job, outcome);
    pop3_job_free(job);
    return result;
}

static int run(int where, int days, int *came, pop3_outcome *outcome)
{
    pop3_options *options = options_for(where, POP3_CLEAR);
    int result = run_with(options, days, came, outcome);
    pop3_options_free(options);
    return result;
}

static void mail_is_deleted_after_days(void)
{
    const long day = 24 * 60 * 60;
    int came, where = server_mailbox("messages=4");
    pop3_outcome outcome;
    make_folders();
    CHECK_INT(run(where, 3, &came, &outcome), POP3_OK);
    CHECK_INT(came, 4);
    times_are(3 * day - 5, 0);
    CHECK_INT(run(where, 3, &came, &outcome), POP3_OK);
    CHECK_INT(came + outcome.deleted, 0);
    times_are(3 * day + 5, 0);
    CHECK_INT(run(where, 3, &came, &outcome), POP3_OK);
    CHECK_INT(came, 0);
    CHECK_INT(outcome.deleted, 4);
    times_are(0, 0);
    remove_folder(folder);
}

/* How many checks fail in a process of its own, which may mount something, or give rights away. */
static int in_child(void (*body)(int), int where)
{
    int status, before = check_failures();
    fflush(stdout);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        body(where);
        fflush(stdout);
        _exit(check_failures() - before);
    }
    must(waitpid(child, &status, 0) == child, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void with_a_full_disk(int where)
{
    char path[400], block[4096] = "";
    int came;
    pop3_outcome outcome;
    /* a namespace of its own, for which root is enough, or else one of users, in which this one is root */
    if (unshare(CLONE_NEWNS) != 0) {
        char map[64];
        snprintf(map, sizeof map, "0 %d 1", (int)geteuid());
        must(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0, "unshare");
        int file = open("/proc/self/uid_map", O_WRONLY);
        must(file >= 0 && write(file, map, strlen(map)) == (ssize_t)strlen(map), "uid_map");
        close(file);
    }
    must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount /");
    must(mount("tmpfs", folder, "tmpfs", 0, "size=512k") == 0, "mount tmpfs");
    /* room for some messages, not for all */
    CHECK_INT(run(where, 0, &came, &outcome), POP3_ERR_BOOK);
    CHECK_HAS(pop3_get_last_error(), "the disk is full");
    CHECK(came > 10 && came < 20000 && outcome.taken <= came && came - outcome.taken <= 1);
    int before = outcome.taken;
    pop3_options *options = options_for(where, POP3_CLEAR);
    CHECK_INT(pop3_stat_with(options), 20000 - outcome.deleted);
    CHECK(outcome.deleted <= outcome.taken);
    /* nothing at all: mail is not touched */
    snprintf(path, sizeof path, "%s/filler", folder);
    int filler = open(path, O_WRONLY | O_CREAT, 0600);
    while (write(filler, block, sizeof block) > 0)
        ;
    int left = pop3_stat_with(options);
    CHECK_INT(run(where, 0, &came, &outcome), POP3_ERR_BOOK);
    CHECK_INT(came + outcome.taken + outcome.deleted, 0);
    CHECK_INT(pop3_stat_with(options), left);
    /* more room: the rest, and only that */
    close(filler);
    unlink(path);
    must(mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=64m") == 0, "mount again");
    CHECK_INT(run(where, 0, &came, &outcome), POP3_OK);
    CHECK_INT(came, 20000 - before);
    CHECK_INT(pop3_stat_with(options), 0);
    pop3_options_free(options);
    umount(folder);
}

static void the_disk_is_full(void)
{
    make_folders();
    CHECK_INT(in_child(with_a_full_disk, server_mailbox("messages=20000")), 0);
    remove_folder(folder);
}

static void without_rights(int where)
{
    int came;
    pop3_outcome outcome;
    if (geteuid() == 0)
        must(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
    CHECK_INT(run(where, -1, &came, &outcome), POP3_ERR_BOOK);
    CHECK_INT(came, 0);
    CHECK_HAS(pop3_get_last_error(), "cannot be");
}

static void the_book_is_read_only(void)
{
    int came, where = server_mailbox("messages=3 record=yes");
    pop3_outcome outcome;
    make_folders();
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    int connections = server_connections(where);
    must(chmod(book, 0444) == 0 && chmod(folder, 0555) == 0, "chmod");
    CHECK_INT(in_child(without_rights, where), 0);
    CHECK_INT(server_connections(where), connections);
    must(chmod(folder, 0755) == 0, "chmod");
    remove_folder(folder);
}

static void the_book_is_its_owners(void)
{
    int came, where = server_mailbox("messages=3");
    pop3_outcome outcome;
    struct stat status;
    make_folders();
    mode_t before = umask(0);
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    umask(before);
    must(stat(book, &status) == 0, book);
    CHECK_INT(status.st_mode & 0777, 0600);
    remove_folder(folder);
}

/* Runs sqlite3 on the book and gives its first line of output, which is good until the next call. */
static const char *sqlite3(const char *statement)
{
    static char line[256];
    char command[1024];
    line[0] = '\0';
    snprintf(command, sizeof command, "sqlite3 -batch '%s' \"%s\"", book, statement);
    FILE *output = popen(command, "r");
    must(output != NULL, command);
    if (fgets(line, sizeof line, output))
        line[strcspn(line, "\n")] = '\0';
    CHECK_INT(pclose(output), 0);
    return line;
}

static void a_person_can_read_the_book(void)
{
    int came, where = server_mailbox("messages=3");
    char expected[128];
    pop3_outcome outcome;
    make_folders();
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    snprintf(expected, sizeof expected, "alice@127.0.0.1:%d|uid-2|%d", where, (int)(outcome.octets / 3));
    CHECK_STR(sqlite3("SELECT account, uid, octets FROM taken WHERE uid LIKE '%2'"), expected);
    CHECK_STR(sqlite3("SELECT count(*) FROM taken WHERE gone IS NULL AND julianday() - julianday(taken) < 1"), "3");
    CHECK_STR(sqlite3("PRAGMA user_version"), "1");
    CHECK_STR(sqlite3("PRAGMA integrity_check"), "ok");
    remove_folder(folder);
}

static void what_is_gone_leaves_the_book_after_30_days(void)
{
    const long day = 24 * 60 * 60;
    int came, where = server_mailbox("messages=3");
    pop3_outcome outcome;
    make_folders();
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    int socket = connect_to(where, POP3_CLEAR);
    CHECK_INT(pop3_delete_message(socket, 2, NULL), POP3_OK);
    CHECK_INT(pop3_disconnect(socket, NULL), POP3_OK);
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    CHECK_STR(sqlite3("SELECT uid FROM taken WHERE gone IS NOT NULL"), "uid-2");
    times_are(30 * day - 5, 0);
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    CHECK_STR(sqlite3("SELECT count(*) FROM taken"), "3");
    times_are(30 * day + 5, 0);
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    CHECK_STR(sqlite3("SELECT count(*) FROM taken"), "2");
    CHECK_STR(sqlite3("SELECT count(*) FROM taken WHERE uid = 'uid-2'"), "0");
    times_are(0, 0);
    remove_folder(folder);
}

static int32_t stop_at_third(int64_t done, int64_t total, void *asked)
{
    CHECK(done == 0 && total == -1);
    return ++*(int *)asked == 3;
}

static void the_book_is_in_other_hands(void)
{
    int came, where = server_mailbox("messages=3 record=yes");
    pop3_outcome outcome;
    make_folders();
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    int connections = server_connections(where);
    int to[2], from[2];
    must(pipe(to) == 0 && pipe(from) == 0, "pipe");
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[1]);
        execlp("sqlite3", "sqlite3", "-batch", book, (char *)NULL);
        _exit(127);
    }
    const char lock[] = "BEGIN EXCLUSIVE; SELECT 'locked';\n";
    char answer[8] = "";
    must(write(to[1], lock, strlen(lock)) == (ssize_t)strlen(lock), "write");
    must(read(from[0], answer, 6) == 6, "read");
    CHECK_INT(pop3_set_comms_timeout(1), POP3_OK);
    CHECK_INT(run(where, -1, &came, &outcome), POP3_ERR_BOOK);
    CHECK_HAS(pop3_get_last_error(), "is locked by another program");
    CHECK_INT(came, 0);
    CHECK_INT(pop3_set_comms_timeout(0), POP3_OK);
    /* the host's patience may end before */
    pop3_options *options = options_for(where, POP3_CLEAR);
    CHECK_INT(pop3_options_set_timeouts(options, 0, 0, 300), POP3_OK);
    CHECK_INT(run_with(options, -1, &came, &outcome), POP3_ERR_TIMEOUT);
    CHECK_HAS(pop3_get_last_error(), "before another program was done with the book");
    CHECK_INT(pop3_options_set_timeouts(options, 0, 0, 0), POP3_OK);
    int asked = 0;
    CHECK_INT(pop3_options_set_progress_cb(options, stop_at_third, &asked), POP3_OK);
    CHECK_INT(run_with(options, -1, &came, &outcome), POP3_ERR_CANCELLED);
    CHECK_INT(asked, 3);
    pop3_options_free(options);
    CHECK_INT(server_connections(where), connections);
    close(to[1]);
    close(to[0]);
    must(waitpid(child, NULL, 0) == child, "waitpid");
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    close(from[0]);
    close(from[1]);
    remove_folder(folder);
}

static void two_programs_on_one_account(void)
{
    char path[400];
    struct stat status;
    int came, where = server_mailbox("messages=500 size=4000 record=yes");
    pop3_outcome outcome;
    make_folders();
    snprintf(path, sizeof path, "%s/stay", folder);
    must(mkdir(path, 0700) == 0, path);
    pid_t child = start(where, -1);
    snprintf(path, sizeof path, "%s/log", folder);
    while (stat(path, &status) != 0)
        usleep(1000);
    int connections = server_connections(where);
    CHECK_INT(run(where, -1, &came, &outcome), POP3_ERR_MAILBOX_IN_USE);
    CHECK_INT(came, 0);
    CHECK_INT(server_connections(where), connections);
    /* whoever is killed holds nothing */
    kill(child, SIGKILL);
    must(waitpid(child, NULL, 0) == child, "waitpid");
    CHECK_INT(run(where, -1, &came, &outcome), POP3_OK);
    /* the one that was being handed over comes again */
    CHECK_INT(came, 500);
    remove_folder(folder);
}

int main(int argc, char *argv[])
{
    if (argc == 5 && strcmp(argv[1], "collect") == 0)
        return collect_into_files(argv + 2);
    RUN(killed_while_mail_is_kept);
    RUN(killed_while_mail_is_deleted);
    RUN(mail_is_deleted_after_days);
    RUN(the_disk_is_full);
    RUN(the_book_is_read_only);
    RUN(the_book_is_its_owners);
    RUN(a_person_can_read_the_book);
    RUN(what_is_gone_leaves_the_book_after_30_days);
    RUN(the_book_is_in_other_hands);
    RUN(two_programs_on_one_account);
    return check_result();
}
