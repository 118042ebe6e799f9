/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VMM_MAIN_COMMANDS_H
#define VMM_MAIN_COMMANDS_H

/* Bad input, or something that the user must set right first. 1 is for what failed later. */
#define EXIT_STATUS_BAD_INPUT 2

/* argv[0] is the command's name. Each returns the exit status. */
int command_run(int argc, char **argv);
int command_list(int argc, char **argv);
int command_view(int argc, char **argv);
int command_screenshot(int argc, char **argv);
int command_stop(int argc, char **argv);

#endif
