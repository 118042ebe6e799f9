/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VMM_MAIN_CLIENT_PATH_H
#define VMM_MAIN_CLIENT_PATH_H

#define CLIENT_PATH_BYTES 4096

/* vitrine-client beside this program, else by PATH. */
void client_path(char path[CLIENT_PATH_BYTES]);

#endif
