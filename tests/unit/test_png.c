/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <base/png.h>
#include <cmocka.h>
#include <drm_fourcc.h>
#include <png.h>

/* One red pixel and one blue pixel, read back by libpng. */
static void check_format(uint32_t fourcc, const uint8_t pixels[8])
{
	char path[] = "/tmp/vitrine-png-XXXXXX";
	struct png_picture picture = { 2, 1, 8, fourcc, pixels };
	png_image image = { .version = PNG_IMAGE_VERSION };
	uint8_t rgb[6];

	close(mkstemp(path));
	assert_int_equal(png_write(path, &picture), 0);
	assert_true(png_image_begin_read_from_file(&image, path));
	assert_int_equal(image.width, 2);
	assert_int_equal(image.height, 1);
	image.format = PNG_FORMAT_RGB;
	assert_true(png_image_finish_read(&image, NULL, rgb, 0, NULL));
	assert_memory_equal(rgb, "\xff\x00\x01\x02\x00\xff", 6);
	unlink(path);
}

static void test_byte_orders(void **state)
{
	check_format(DRM_FORMAT_XRGB8888, (const uint8_t[]){ 1, 0, 255, 9, 255, 0, 2, 9 });
	check_format(DRM_FORMAT_ABGR8888, (const uint8_t[]){ 255, 0, 1, 9, 2, 0, 255, 9 });
	check_format(DRM_FORMAT_RGBA8888, (const uint8_t[]){ 9, 1, 0, 255, 9, 255, 0, 2 });
	check_format(DRM_FORMAT_BGRX8888, (const uint8_t[]){ 9, 255, 0, 1, 9, 2, 0, 255 });
}

static void test_refusals(void **state)
{
	uint8_t pixels[8] = { 0 };
	struct png_picture picture = { 2, 1, 8, DRM_FORMAT_NV12, pixels };

	assert_int_equal(png_write("/tmp/never", &picture), -EINVAL);
	picture.fourcc = DRM_FORMAT_XRGB8888;
	assert_int_equal(png_write("/nonexistent/x.png", &picture), -ENOENT);
	picture.width = 0;
	assert_int_equal(png_write("/tmp/never", &picture), -EINVAL);
	assert_int_equal(access("/tmp/never", F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_byte_orders),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
