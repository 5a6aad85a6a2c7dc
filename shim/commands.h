/* The commands. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "call.h"

/* What does a command, after its parameters have been checked, and answers. May throw. */
using Command = void(Call &call);

Command pop3_connect_command;
Command pop3_disconnect_command;
Command pop3_delete_message_command;
Command pop3_list_messages_command;
Command pop3_message_count_command;
Command pop3_recv_command;
Command pop3_recv_headers_command;
Command pop3_recv_message_command;
Command pop3_stat_command;
Command pop3_undo_deletes_command;
Command web_dev_set_config_command;
Command web_dev_get_secure_error_command;
Command mail_split_command;

#endif
