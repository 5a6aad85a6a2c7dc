/* What the samples in C of the documents define: the compiler compares it with them. See extract.sh. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include <stdatomic.h>
#include <stdio.h>

#include "pop3connect.h"

int main_first(void);
int main_mailbox(void);
int32_t save_message(int32_t socket, int32_t number, const char *path);
int32_t read_new(int32_t socket, int (*is_known)(const char *uid), pop3_message_cb take, void *context);
int32_t print_mail(const pop3_buffer *message);
int32_t collect_mail(const pop3_options *options, const char *book, int64_t *octets);
pop3_options *account(const char *user, const char *password, FILE *log);
int32_t waiting(const char *server, const char *user, const char *password);
int32_t connect_with_token(const char *user, const char *token);
int32_t connect_trusting(pop3_options *options, const char *ca_file);
int32_t connect_through_proxy(pop3_options *options);
int32_t connect_until(pop3_options *options, atomic_int *stop);
void count_side_by_side(pop3_options *const accounts[], int32_t counts[], int how_many);
void count_all(pop3_options *const accounts[], int32_t counts[], int how_many);
int is_passing(int32_t code);
int32_t connect_plainly(const char *server, const char *user, const char *pass);
int32_t configure(pop3_error_cb error_proc, int32_t comms_timeout);
int32_t receive_by(int32_t socket, int32_t number, size_t (*write)(char *, size_t, size_t, void *), void *context);

#endif
