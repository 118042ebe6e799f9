/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "main/run_config.h"

#include <base/runtime_dir.h>
#include <errno.h>
#include <machine/machine.h>
#include <stdlib.h>
#include <string.h>

#define RUN_DEFAULT_MEMORY (2ull << 30)
#define RUN_DEFAULT_WIDTH 1280
#define RUN_DEFAULT_HEIGHT 800
#define RUN_MIN_SIDE 320
#define RUN_MAX_SIDE 8192
#define RUN_MAX_CONFIG_DEPTH 4

static int run_parse_disk(void *data, const char *value, struct option_error *error)
{
	struct run_config *config = data;

	if (config->disk_count == RUN_MAX_DISKS)
		return option_error_set(error, "disk: at most %d of them", RUN_MAX_DISKS);
	return virtio_blk_config_parse(&config->disks[config->disk_count++], value, error);
}

static int run_parse_net(void *data, const char *value, struct option_error *error)
{
	struct run_config *config = data;

	virtio_net_config_finish(&config->net);
	return virtio_net_config_parse(&config->net, value, error);
}

static int run_parse_display(void *data, const char *value, struct option_error *error)
{
	struct run_config *config = data;
	struct run_display size;
	int end = 0;

	if (sscanf(value, "%5ux%5u%n", &size.width, &size.height, &end) != 2 || value[end])
		return option_error_set(error, "display: '%s' is not WIDTHxHEIGHT (say 1280x720)",
					value);
	if (size.width < RUN_MIN_SIDE || size.width > RUN_MAX_SIDE || size.height < RUN_MIN_SIDE ||
	    size.height > RUN_MAX_SIDE)
		return option_error_set(error, "display: %s: each side must be %d to %d pixels",
					value, RUN_MIN_SIDE, RUN_MAX_SIDE);
	if (config->display_count == RUN_MAX_DISPLAYS)
		return option_error_set(error, "display: at most %d of them", RUN_MAX_DISPLAYS);
	config->displays[config->display_count++] = size;
	return 0;
}

static int run_parse_sound(void *data, const char *value, struct option_error *error)
{
	struct run_config *config = data;

	return run_sound_config_parse(&config->sound, value, error);
}

static int run_parse_looking_glass(void *data, const char *value, struct option_error *error)
{
	struct run_config *config = data;

	return looking_glass_config_parse(&config->looking_glass, value, error);
}

static int run_parse_spice(void *data, const char *value, struct option_error *error)
{
	struct run_config *config = data;

	return spice_listen_config_parse(&config->spice, value, error);
}

static int run_parse_uuid(void *data, const char *value, struct option_error *error)
{
	struct run_config *config = data;

	if (uuid_parse(&config->uuid, value) || uuid_is_zero(&config->uuid))
		return option_error_set(error, "uuid: '%s' is not one, as uuidgen prints them "
					"(8-4-4-4-12 hexadecimal digits, not all 0)", value);
	return 0;
}

static int run_parse_config_file(void *data, const char *path, struct option_error *error);

#define RUN_FIELD(field) offsetof(struct run_config, field)

static const struct option_def run_options[] = {
	{ "config", OPTION_CUSTOM, .parse = run_parse_config_file, .metavar = "FILE",
	  .help = "read options from FILE, one 'key = value' a line with the\n"
		  "same keys; what is given later replaces" },
	{ "name", OPTION_STRING, RUN_FIELD(name), .metavar = "NAME",
	  .help = "the VM's name for list, view, screenshot and stop (vm)" },
	{ "uuid", OPTION_CUSTOM, .parse = run_parse_uuid, .metavar = "UUID",
	  .help = "the VM's UUID, which list --json and SPICE clients are told\n"
		  "(a random one)" },
	{ "kernel", OPTION_STRING, RUN_FIELD(kernel), .metavar = "FILE",
	  .help = "Linux kernel (a bzImage, as in a distribution's /boot)" },
	{ "initrd", OPTION_STRING, RUN_FIELD(initrd), .metavar = "FILE",
	  .help = "initial ramdisk" },
	{ "cmdline", OPTION_STRING, RUN_FIELD(cmdline), .metavar = "TEXT",
	  .help = "kernel command line, say 'root=/dev/vda rw console=ttyS0'" },
	{ "cpus", OPTION_UINT, RUN_FIELD(cpus), 1, 64, .help = "number of vCPUs (1)" },
	{ "memory", OPTION_SIZE, RUN_FIELD(memory_bytes), MACHINE_MEMORY_MIN_BYTES, 1ull << 40,
	  .help = "guest RAM, say 512M or 4G (2G)" },
	{ "hugepages", OPTION_BOOL, RUN_FIELD(hugepages),
	  .help = "back guest RAM with 2 MiB pages reserved by the host (off)" },
	{ "disk", OPTION_CUSTOM, .parse = run_parse_disk,
	  .metavar = "path=FILE[,readonly=on][,serial=TEXT]",
	  .help = "a raw disk image or block device; repeat for more.\n"
		  "The first is /dev/vda" },
	{ "net", OPTION_CUSTOM, .parse = run_parse_net,
	  .metavar = "user[,hostfwd=…]|tap=IFNAME|none[,mac=…]",
	  .help = "network (user). hostfwd=tcp:[ADDRESS]:PORT-:GUESTPORT opens\n"
		  "a host port to the guest" },
	{ "display", OPTION_CUSTOM, .parse = run_parse_display, .metavar = "WIDTHxHEIGHT",
	  .help = "first size of the screen (1280x800); a second one plugs in a\n"
		  "second screen with its own window, and so on" },
	{ "scanouts", OPTION_UINT, RUN_FIELD(scanouts), 1, RUN_MAX_DISPLAYS,
	  .help = "how many screens the guest's display card has (2)" },
	{ "serial", OPTION_STRING, RUN_FIELD(serial), .metavar = "stdio|file=FILE|none",
	  .help = "where the guest's serial port (ttyS0) goes (none)" },
	{ "console", OPTION_STRING, RUN_FIELD(console), .metavar = "stdio|file=FILE|none",
	  .help = "where the guest's virtio console (hvc0) goes (none)" },
	{ "sound", OPTION_CUSTOM, .parse = run_parse_sound, .metavar = "on|off|hda|[hda,]wav=FILE",
	  .help = "the guest's sound card (on): a virtio one; hda: an Intel HDA for\n"
		  "guests without a virtio-snd driver; wav: what the guest plays\n"
		  "goes into FILE instead of to the clients" },
	{ "mic", OPTION_BOOL, RUN_FIELD(mic),
	  .help = "let the guest hear the microphone while it records (off)" },
	{ "looking-glass", OPTION_CUSTOM, .parse = run_parse_looking_glass,
	  .metavar = "path=FILE[,size=64M][,group=NAME]",
	  .help = "show the first screen to Looking Glass clients (B7) too, by FILE,\n"
		  "say /dev/shm/looking-glass; the group may then use it as well" },
	{ "spice", OPTION_CUSTOM, .parse = run_parse_spice,
	  .metavar = "unix=PATH|port=N[,addr=127.0.0.1]",
	  .help = "screens, keyboard, mouse and sound for a SPICE client too, such as\n"
		  "remote-viewer or the one in Looking Glass (off). A port is open to\n"
		  "all of this machine's users: there is no password" },
	{ "clipboard", OPTION_BOOL, RUN_FIELD(clipboard),
	  .help = "share one clipboard, of texts and images, among the guest (where\n"
		  "spice-vdagent runs), the windows and SPICE clients (on)" },
	{ "headless", OPTION_BOOL, RUN_FIELD(headless),
	  .help = "open no window; 'vitrine view NAME' does later (off)" },
	{ "fullscreen", OPTION_BOOL, RUN_FIELD(fullscreen), .help = "open the window full screen (off)" },
	{ "reboot", OPTION_BOOL, RUN_FIELD(reboot),
	  .help = "start the guest again when it reboots; off: end instead (on)" },
	{ "shm", OPTION_STRING, RUN_FIELD(shm), .metavar = "FILE",
	  .help = "put the frames into this file or PCI resource instead of\n"
		  "private memory, for a client on another machine's side" },
	{ "help", OPTION_BOOL, RUN_FIELD(help), .metavar = "", .help = "this text" },
};
#define RUN_OPTIONS (sizeof(run_options) / sizeof(run_options[0]))

static int run_parse_config_file(void *data, const char *path, struct option_error *error)
{
	struct run_config *config = data;
	int result;

	if (config->config_depth == RUN_MAX_CONFIG_DEPTH)
		return option_error_set(error, "config: %s: files that name each other?", path);
	config->config_depth++;
	result = options_parse_file(run_options, RUN_OPTIONS, config, path, error);
	config->config_depth--;
	return result;
}

void run_config_init(struct run_config *config)
{
	*config = (struct run_config){ .cpus = 1, .memory_bytes = RUN_DEFAULT_MEMORY, .scanouts = 2,
				       .reboot = true, .clipboard = true };
	run_sound_config_init(&config->sound);
	virtio_net_config_init(&config->net);
}

void run_config_finish(struct run_config *config)
{
	for (uint32_t i = 0; i < config->disk_count; i++)
		virtio_blk_config_finish(&config->disks[i]);
	virtio_net_config_finish(&config->net);
	run_sound_config_finish(&config->sound);
	looking_glass_config_finish(&config->looking_glass);
	spice_listen_config_finish(&config->spice);
	options_finish(run_options, RUN_OPTIONS, config);
}

static int run_config_check(struct run_config *config, struct option_error *error)
{
	if (!config->kernel)
		return option_error_set(error, "no kernel: give --kernel FILE (see --help)");
	if (!config->name && !(config->name = strdup("vm")))
		return option_error_set(error, "out of memory");
	if (!runtime_name_valid(config->name))
		return option_error_set(error, "name: '%s': use 1 to %d letters, digits, '-', '_', '.'",
					config->name, RUNTIME_NAME_BYTES - 1);
	if (config->serial && config->console && !strcmp(config->serial, config->console) &&
	    strcmp(config->serial, "none"))
		return option_error_set(error, "serial and console: both on %s: give one of them a file",
					config->serial);
	if (uuid_is_zero(&config->uuid) && uuid_random(&config->uuid))
		return option_error_set(error, "uuid: no random numbers: give one");
	if (config->display_count == 0)
		config->displays[config->display_count++] =
			(struct run_display){ RUN_DEFAULT_WIDTH, RUN_DEFAULT_HEIGHT };
	if (config->scanouts < config->display_count)
		config->scanouts = config->display_count;
	return 0;
}

int run_config_parse(struct run_config *config, int argc, char **argv, struct option_error *error)
{
	int rest, result;

	result = options_parse_argv(run_options, RUN_OPTIONS, config, argc, argv, &rest, error);
	if (result || config->help)
		return result;
	if (rest < argc)
		return option_error_set(error, "'%s' is too much: options start with --", argv[rest]);
	return run_config_check(config, error);
}

void run_config_print_help(FILE *out)
{
	fputs("Usage: vitrine run --kernel FILE [OPTION]...\n"
	      "Runs a virtual machine and opens its window.\n\n", out);
	options_print_help(out, run_options, RUN_OPTIONS);
	fputs("\nThe window's close button asks the guest to shut down (ACPI power button); closing again\n"
	      "forces it off. Ctrl-C ends the VM at once, with its disks written out.\n"
	      "Exit status: 0 the guest was shut down or stopped, 1 it failed, 2 bad input.\n", out);
}
