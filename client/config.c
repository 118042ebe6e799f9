/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"

#include "layout.h"
#include "source.h"

#include <errno.h>
#include <string.h>

#define CONFIG_MAX_EXTENT 16384
#define CONFIG_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const config_sources[] = { "vm", "test", NULL };
static const char *const config_closes[] = { "power", "detach", NULL };
static const char *const config_scales[] = {
	[SCALE_FIT] = "fit", [SCALE_INTEGER] = "integer", [SCALE_NONE] = "none", NULL,
};
static const char *const config_pointers[] = { "absolute", "relative", NULL };
static const char *const config_sound_backends[] = {
	[CONFIG_SOUND_AUTO] = "auto", [CONFIG_SOUND_PIPEWIRE] = "pipewire",
	[CONFIG_SOUND_SDL] = "sdl", [CONFIG_SOUND_NONE] = "none", NULL,
};

static int config_parse_size(void *data, const char *value, struct option_error *error)
{
	struct client_config *config = data;
	unsigned int width, height;
	char rest;

	if (sscanf(value, "%5ux%5u%c", &width, &height, &rest) != 2 || width < 64 || height < 64 ||
	    width > CONFIG_MAX_EXTENT || height > CONFIG_MAX_EXTENT)
		return option_error_set(error, "--size %s: give it as WIDTHxHEIGHT, such as "
					"1280x720", value);
	config->width = width;
	config->height = height;
	return 0;
}

static int config_parse_grab_key(void *data, const char *value, struct option_error *error)
{
	struct client_config *config = data;

	if (chord_parse(value, &config->grab_key))
		return option_error_set(error, "--grab-key %s: give modifiers and a key, such as "
					"ctrl+alt+g, shift+f12 or right-ctrl", value);
	return 0;
}

static int config_parse_spice(void *data, const char *value, struct option_error *error)
{
	struct client_config *config = data;

	config->has_spice = true;
	return spice_address_parse(&config->spice, value, error);
}

static int config_parse_spice_password(void *data, const char *value, struct option_error *error)
{
	struct client_config *config = data;

	return spice_password_read(value, config->spice_password, error);
}

#define FIELD(name) offsetof(struct client_config, name)

static const struct option_def config_options[] = {
	{ "name", OPTION_STRING, FIELD(name), .metavar = "NAME",
	  .help = "the running VM to show (default: the only one that runs)" },
	{ "socket", OPTION_STRING, FIELD(socket), .metavar = "PATH",
	  .help = "the VM's control socket, instead of --name" },
	{ "shm", OPTION_STRING, FIELD(shm), .metavar = "FILE",
	  .help = "a shared-memory segment in a file, without a control socket; it is polled" },
	{ "looking-glass", OPTION_STRING, FIELD(looking_glass), .metavar = "FILE",
	  .help = "the file of a Looking Glass B7 host, in a guest or elsewhere: its picture and\n"
		  "cursor, without sound; keys and mouse need --spice; it is polled" },
	{ "spice", OPTION_CUSTOM, 0, .parse = config_parse_spice, .metavar = "SOCKET|HOST:PORT",
	  .help = "with --looking-glass: keys, mouse and clipboard by the SPICE server of the same VM" },
	{ "spice-password-file", OPTION_CUSTOM, 0, .parse = config_parse_spice_password,
	  .metavar = "FILE",
	  .help = "its first line is the password of that server" },
	{ "source", OPTION_CHOICE, FIELD(source), .choices = config_sources, .metavar = "vm|test",
	  .help = "what to show: a VM, or a test pattern (default vm)" },
	{ "wait", OPTION_BOOL, FIELD(wait),
	  .help = "wait for the VM to start, and again after it was shut down" },
	{ "scanout", OPTION_UINT, FIELD(scanout), .max = SOURCE_MAX_SCANOUTS - 1,
	  .help = "show only this monitor of the guest" },
	{ "scanouts", OPTION_UINT, FIELD(scanouts), .min = 1, .max = SOURCE_MAX_SCANOUTS,
	  .help = "open windows for this many monitors at once (default 1; more come when the\n"
		  "guest turns them on)" },
	{ "title", OPTION_STRING, FIELD(title),
	  .help = "the window's title (default: the VM's name)" },
	{ "size", OPTION_CUSTOM, 0, .parse = config_parse_size, .metavar = "WxH",
	  .help = "the window's first size in pixels; the guest is asked to take it\n"
		  "(default: the guest's)" },
	{ "fullscreen", OPTION_BOOL, FIELD(fullscreen), .help = "start in full screen" },
	{ "scale", OPTION_CHOICE, FIELD(scale), .choices = config_scales,
	  .metavar = "fit|integer|none",
	  .help = "how the picture fills the window, always with aspect (default fit)" },
	{ "no-resize", OPTION_BOOL, FIELD(no_resize),
	  .help = "do not ask the guest to follow the window's size" },
	{ "close", OPTION_CHOICE, FIELD(close), .choices = config_closes, .metavar = "power|detach",
	  .help = "the close button: power presses the guest's power button, and forces the VM\n"
		  "off when pressed again; detach leaves the VM running (default power)" },
	{ "pointer", OPTION_CHOICE, FIELD(pointer), .choices = config_pointers,
	  .metavar = "absolute|relative", .help = "how the pointer starts (default absolute)" },
	{ "grab-key", OPTION_CUSTOM, 0, .parse = config_parse_grab_key, .metavar = "KEYS",
	  .help = "takes and releases the keyboard (default ctrl+alt+g)" },
	{ "no-grab", OPTION_BOOL, FIELD(no_grab),
	  .help = "a click does not take the keyboard; only the grab key does" },
	{ "volume", OPTION_UINT, FIELD(volume), .max = 100, .metavar = "PERCENT",
	  .help = "how loud the guest is played (default 100: as it is)" },
	{ "mute", OPTION_BOOL, FIELD(mute), .help = "start muted" },
	{ "no-sound", OPTION_BOOL, FIELD(no_sound),
	  .help = "do not play the guest's sound, and leave it to another client" },
	{ "mic", OPTION_BOOL, FIELD(mic),
	  .help = "let the guest hear the microphone when it records; the title says when it\n"
		  "does" },
	{ "sound-backend", OPTION_CHOICE, FIELD(sound_backend), .choices = config_sound_backends,
	  .metavar = "auto|pipewire|sdl|none",
	  .help = "where sound goes: PipeWire, what SDL finds, or nowhere (default auto:\n"
		  "PipeWire, or else SDL)" },
	{ "clipboard", OPTION_BOOL, FIELD(clipboard),
	  .help = "share the clipboard with the guest: text and pictures, both ways (default on)" },
	{ "overlay", OPTION_BOOL, FIELD(overlay), .help = "start with the figures shown" },
	{ "vsync", OPTION_BOOL, FIELD(vsync),
	  .help = "wait for the screen before showing a picture: no tearing, more latency" },
	{ "renderer", OPTION_STRING, FIELD(renderer), .metavar = "NAME",
	  .help = "SDL's renderer: opengl, opengles2 or software (default: the best that works)" },
	{ "screenshot", OPTION_STRING, FIELD(screenshot), .metavar = "FILE",
	  .help = "save what the window shows as PNG once the picture has settled, then end;\n"
		  "SIGUSR1 saves at once" },
	{ "settle", OPTION_UINT, FIELD(settle_s), .max = 3600, .metavar = "SECONDS",
	  .help = "how long the picture must stand still before a screenshot (default 3);\n"
		  "a clock or a blinking cursor does not count" },
	{ "exit-after-screenshot", OPTION_BOOL, FIELD(exit_after_screenshot),
	  .help = "end after a screenshot (default on)" },
	{ "timeout", OPTION_UINT, FIELD(timeout_s), .max = 86400, .metavar = "SECONDS",
	  .help = "give up, with an error, when there is no screenshot after this time" },
	{ "help", OPTION_BOOL, FIELD(help), .help = "this text" },
	{ "version", OPTION_BOOL, FIELD(version), .help = "the version" },
};

static int config_check(const struct client_config *config, struct option_error *error)
{
	int ways = !!config->name + !!config->socket + !!config->shm +
		   !!config->looking_glass;

	if (ways > 1)
		return option_error_set(error, "give only one of --name, --socket, --shm and "
					"--looking-glass");
	if (config->source == CONFIG_SOURCE_TEST && ways)
		return option_error_set(error, "--source test shows no VM: leave out --name, "
					"--socket, --shm and --looking-glass");
	if (config->looking_glass && !config->looking_glass[0])
		return option_error_set(error, "--looking-glass: give the file, such as "
					"/dev/shm/looking-glass");
	if (config->has_spice && !config->looking_glass)
		return option_error_set(error, "--spice needs --looking-glass: other VMs get keys "
					"and mouse by themselves");
	if (config->spice_password[0] && !config->has_spice)
		return option_error_set(error, "--spice-password-file needs --spice");
	if (config->timeout_s && !config->screenshot)
		return option_error_set(error, "--timeout needs --screenshot");
	return 0;
}

int config_parse(struct client_config *config, int argc, char **argv, struct option_error *error)
{
	int rest, result;

	*config = (struct client_config){ .scanout = CONFIG_ALL_SCANOUTS, .scanouts = 1,
					  .settle_s = 3, .exit_after_screenshot = true,
					  .volume = 100, .clipboard = true };
	chord_parse("ctrl+alt+g", &config->grab_key);
	result = options_parse_argv(config_options, CONFIG_COUNT(config_options), config, argc,
				    argv, &rest, error);
	if (!result && rest < argc)
		result = option_error_set(error, "'%s': unexpected; see --help", argv[rest]);
	if (!result && !config->help && !config->version)
		result = config_check(config, error);
	/* There is no way to a power button. */
	if (config->looking_glass)
		config->close = CONFIG_CLOSE_DETACH;
	return result;
}

void config_print_help(FILE *out)
{
	fputs("Usage: vitrine-client [--name NAME | --socket PATH | --shm FILE |\n"
	      "                       --looking-glass FILE [--spice SOCKET|HOST:PORT]] [option …]\n\n"
	      "Shows the screen of a Vitrine VM in a window, plays its sound and sends it keyboard\n"
	      "and mouse.\n\n", out);
	options_print_help(out, config_options, CONFIG_COUNT(config_options));
	fputs("\nKeys:\n"
	      "  Ctrl+Alt+G  take or release keyboard and pointer (--grab-key)\n"
	      "  Ctrl+Alt+F  full screen\n"
	      "  Ctrl+Alt+M  absolute or relative pointer\n"
	      "  Ctrl+Alt+1  the window takes the guest's size\n"
	      "  Ctrl+Alt+PageUp, Ctrl+Alt+PageDown  louder, softer\n"
	      "  Ctrl+Alt+S  sound off or on\n"
	      "  Ctrl+Alt+O  figures: pictures per second, latency, dropped frames, sound\n\n"
	      "Exit status: 0 done or the VM was shut down, 1 failed, 2 wrong usage.\n", out);
}

void config_finish(struct client_config *config)
{
	options_finish(config_options, CONFIG_COUNT(config_options), config);
	explicit_bzero(config->spice_password, sizeof(config->spice_password));
}
