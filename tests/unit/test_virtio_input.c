/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guest learns of each kind of device, single reports, LEDs and broken drivers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <endian.h>
#include <linux/input.h>
#include <linux/virtio_input.h>

#include "input_guest.h"

static struct loop *loop;
static struct input_guest input;

static void open_kind(enum virtio_input_kind kind)
{
	loop = loop_create("test");
	input_guest_init(&input, loop, kind, FAKE_LOOP_DISPATCHED);
	input_guest_start(&input);
}

static int close_kind(void **state)
{
	input_guest_finish(&input);
	loop_destroy(loop);
	return 0;
}

/* Asks config space as the driver does; the size of the answer. */
static uint8_t ask(uint8_t select, uint8_t subsel, struct virtio_input_config *config)
{
	fake_guest_write_config(input.guest, 0, &select, 1);
	fake_guest_write_config(input.guest, 1, &subsel, 1);
	fake_guest_read_config(input.guest, 0, config, sizeof(*config));
	assert_int_equal(config->select, select);
	assert_int_equal(config->subsel, subsel);
	return config->size;
}

static bool offers(uint8_t type, uint16_t code)
{
	struct virtio_input_config config;
	uint8_t bytes = ask(VIRTIO_INPUT_CFG_EV_BITS, type, &config);

	return code / 8 < bytes && config.u.bitmap[code / 8] >> code % 8 & 1;
}

static void test_keyboard_config(void **state)
{
	struct virtio_input_config config;

	open_kind(VIRTIO_INPUT_KEYBOARD);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_ID_NAME, 0, &config), strlen("Vitrine keyboard"));
	assert_memory_equal(config.u.string, "Vitrine keyboard", 17);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_ID_SERIAL, 0, &config), 4);
	assert_memory_equal(config.u.string, "test", 5);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_ID_DEVIDS, 0, &config), sizeof(config.u.ids));
	assert_int_equal(le16toh(config.u.ids.bustype), BUS_VIRTUAL);
	assert_int_equal(le16toh(config.u.ids.product), 1);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_PROP_BITS, 0, &config), 0);
	assert_false(offers(EV_KEY, KEY_RESERVED));
	for (uint16_t code = KEY_ESC; code <= KEY_MICMUTE; code++)
		assert_true(offers(EV_KEY, code));
	assert_false(offers(EV_KEY, BTN_LEFT));
	assert_true(offers(EV_LED, LED_CAPSL));
	assert_true(offers(EV_REP, REP_DELAY));
	assert_int_equal(ask(VIRTIO_INPUT_CFG_EV_BITS, EV_REL, &config), 0);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_EV_BITS, EV_ABS, &config), 0);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_ABS_INFO, ABS_X, &config), 0);
}

static void test_tablet_config(void **state)
{
	struct virtio_input_config config;

	open_kind(VIRTIO_INPUT_TABLET);
	assert_true(offers(EV_KEY, BTN_LEFT));
	assert_true(offers(EV_KEY, BTN_TASK));
	assert_false(offers(EV_KEY, KEY_A));
	assert_false(offers(EV_KEY, BTN_TOUCH));
	assert_true(offers(EV_ABS, ABS_X));
	assert_true(offers(EV_ABS, ABS_Y));
	assert_false(offers(EV_ABS, ABS_Z));
	assert_false(offers(EV_REL, REL_X));
	assert_true(offers(EV_REL, REL_WHEEL));
	assert_true(offers(EV_REL, REL_WHEEL_HI_RES));
	assert_true(offers(EV_REL, REL_HWHEEL_HI_RES));
	assert_int_equal(ask(VIRTIO_INPUT_CFG_ABS_INFO, ABS_Y, &config), sizeof(config.u.abs));
	assert_int_equal(le32toh(config.u.abs.min), 0);
	assert_int_equal(le32toh(config.u.abs.max), 65535);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_ABS_INFO, ABS_Z, &config), 0);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_ABS_INFO, 255, &config), 0);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_PROP_BITS, 0, &config), 1);
}

static void test_mouse_config(void **state)
{
	struct virtio_input_config config;

	open_kind(VIRTIO_INPUT_MOUSE);
	assert_true(offers(EV_REL, REL_X));
	assert_true(offers(EV_REL, REL_Y));
	assert_true(offers(EV_REL, REL_HWHEEL));
	assert_true(offers(EV_KEY, BTN_MIDDLE));
	assert_int_equal(ask(VIRTIO_INPUT_CFG_EV_BITS, EV_ABS, &config), 0);
}

static void test_unknown_questions(void **state)
{
	struct virtio_input_config config;
	uint8_t junk[sizeof(config)];

	open_kind(VIRTIO_INPUT_KEYBOARD);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_UNSET, 0, &config), 0);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_ID_NAME, 1, &config), 0);
	assert_int_equal(ask(0x77, 0, &config), 0);
	assert_int_equal(ask(VIRTIO_INPUT_CFG_EV_BITS, 0xff, &config), 0);
	memset(junk, VIRTIO_INPUT_CFG_ID_NAME, sizeof(junk));
	junk[1] = 0;
	fake_guest_write_config(input.guest, 0, junk, sizeof(junk));
	fake_guest_read_config(input.guest, 0, &config, sizeof(config));
	assert_int_equal(config.size, strlen("Vitrine keyboard"));
	assert_int_equal(config.reserved[0], 0);
}

static void test_keys(void **state)
{
	open_kind(VIRTIO_INPUT_KEYBOARD);
	input_guest_give(&input, 64);
	assert_string_equal(input_guest_text(&input, true), "");
	virtio_input_key(input.device, KEY_A, true);
	assert_string_equal(input_guest_text(&input, true), "key 30 1; ");
	virtio_input_key(input.device, KEY_A, true);
	virtio_input_key(input.device, KEY_B, false);
	virtio_input_key(input.device, BTN_LEFT, true);
	virtio_input_key(input.device, KEY_RESERVED, true);
	virtio_input_key(input.device, UINT16_MAX, true);
	virtio_input_move_to(input.device, 1, 1);
	virtio_input_move_by(input.device, 1, 1);
	virtio_input_wheel(input.device, 1, 1);
	assert_string_equal(input_guest_text(&input, true), "");
	virtio_input_key(input.device, KEY_A, false);
	assert_string_equal(input_guest_text(&input, true), "key 30 0; ");
}

static void test_tablet(void **state)
{
	open_kind(VIRTIO_INPUT_TABLET);
	input_guest_give(&input, 64);
	virtio_input_move_to(input.device, 0, 65535);
	virtio_input_key(input.device, BTN_LEFT, true);
	virtio_input_move_by(input.device, 1, 1);
	assert_string_equal(input_guest_text(&input, true), "abs 0 0, abs 1 65535; key 272 1; ");
}

static void test_mouse(void **state)
{
	open_kind(VIRTIO_INPUT_MOUSE);
	input_guest_give(&input, 64);
	virtio_input_move_by(input.device, -3, 0);
	virtio_input_move_by(input.device, 0, 4);
	virtio_input_move_by(input.device, 0, 0);
	virtio_input_move_to(input.device, 1, 1);
	assert_string_equal(input_guest_text(&input, true), "rel 0 -3; rel 1 4; ");
}

static void test_wheel_parts_and_notches(void **state)
{
	open_kind(VIRTIO_INPUT_MOUSE);
	input_guest_give(&input, 64);
	virtio_input_wheel(input.device, 0, 120);
	assert_string_equal(input_guest_text(&input, true), "rel 11 120, rel 8 1; ");
	virtio_input_wheel(input.device, 0, 50);
	virtio_input_wheel(input.device, 0, 50);
	assert_string_equal(input_guest_text(&input, true), "rel 11 50; rel 11 50; ");
	virtio_input_wheel(input.device, 0, 50);
	assert_string_equal(input_guest_text(&input, true), "rel 11 50, rel 8 1; ");
	virtio_input_wheel(input.device, -240, -30);
	assert_string_equal(input_guest_text(&input, true),
			    "rel 12 -240, rel 6 -2, rel 11 -30; ");
	virtio_input_wheel(input.device, 0, 0);
	assert_string_equal(input_guest_text(&input, true), "");
}

static void light(uint16_t type, uint16_t code, uint32_t value)
{
	struct virtio_input_event event = {
		.type = htole16(type), .code = htole16(code), .value = htole32(value),
	};

	assert_int_equal(fake_queue_request(fake_guest_queue(input.guest, 1), &event,
					    sizeof(event), NULL, 0), 0);
}

static void on_leds(void *data, uint32_t leds)
{
	unsigned int *told = data;

	*told = *told * 100 + leds;
}

/* Each change is told once, a reset is one. */
static void test_watched_leds(void **state)
{
	unsigned int told = 0;

	open_kind(VIRTIO_INPUT_KEYBOARD);
	virtio_input_watch_leds(input.device, on_leds, &told);
	light(EV_LED, LED_CAPSL, 1);
	light(EV_LED, LED_CAPSL, 1);
	light(EV_LED, LED_MAX, 1);
	assert_int_equal(told, 2);
	light(EV_LED, LED_NUML, 7);
	assert_int_equal(told, 203);
	fake_guest_stop(input.guest);
	assert_int_equal(told, 20300);
	virtio_input_watch_leds(input.device, NULL, NULL);
}

static void test_leds(void **state)
{
	open_kind(VIRTIO_INPUT_KEYBOARD);
	light(EV_LED, LED_CAPSL, 1);
	light(EV_LED, LED_NUML, 1);
	assert_int_equal(virtio_input_leds(input.device), 1 << LED_CAPSL | 1 << LED_NUML);
	light(EV_LED, LED_CAPSL, 0);
	light(EV_LED, LED_MAX, 1);
	light(EV_LED, UINT16_MAX, 1);
	light(EV_REP, REP_DELAY, 250);
	assert_int_equal(virtio_input_leds(input.device), 1 << LED_NUML);
	assert_int_equal(fake_queue_request(fake_guest_queue(input.guest, 1), "abc", 3, NULL, 0),
			 0);
	fake_guest_stop(input.guest);
	assert_int_equal(virtio_input_leds(input.device), 0);
}

static void test_event_buffer_too_short(void **state)
{
	open_kind(VIRTIO_INPUT_KEYBOARD);
	fake_queue_add_writable(input.events, 8, NULL);
	fake_queue_add_writable(input.events, 7, NULL);
	fake_queue_kick(input.events);
	virtio_input_key(input.device, KEY_A, true);
	fake_guest_run(input.guest);
	assert_int_equal(fake_guest_needs_resets(input.guest), 1);
	assert_int_equal(fake_queue_used_count(input.events), 0);
	virtio_input_key(input.device, KEY_A, false);
	fake_guest_stop(input.guest);
	input_guest_start(&input);
	input_guest_give(&input, 8);
	virtio_input_key(input.device, KEY_A, true);
	assert_string_equal(input_guest_text(&input, true), "key 30 1; ");
}

static void test_queue_too_small_for_a_report(void **state)
{
	open_kind(VIRTIO_INPUT_MOUSE);
	fake_guest_stop(input.guest);
	fake_guest_set_queue_size(input.guest, 0, 4);
	assert_int_equal(fake_guest_start(input.guest, FAKE_ALL_FEATURES), -EINVAL);
	virtio_input_move_by(input.device, 1, 1);
}

#define test(name) cmocka_unit_test_setup_teardown(name, NULL, close_kind)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_keyboard_config),
		test(test_tablet_config),
		test(test_mouse_config),
		test(test_unknown_questions),
		test(test_keys),
		test(test_tablet),
		test(test_mouse),
		test(test_wheel_parts_and_notches),
		test(test_leds),
		test(test_watched_leds),
		test(test_event_buffer_too_short),
		test(test_queue_too_small_for_a_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
