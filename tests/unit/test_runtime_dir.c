/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/runtime_dir.h>
#include <cmocka.h>

static void test_names(void **state)
{
	assert_true(runtime_name_valid("debian-12_a.b"));
	assert_false(runtime_name_valid(""));
	assert_false(runtime_name_valid("."));
	assert_false(runtime_name_valid("../x"));
	assert_false(runtime_name_valid("a/b"));
	assert_false(runtime_name_valid("a b"));
	assert_false(runtime_name_valid("0123456789012345678901234567890123456789"));
}

static void test_directory_is_private(void **state)
{
	char parent[] = "/tmp/vitrine-runtime-XXXXXX", path[RUNTIME_DIR_BYTES], file[108], wide[200];
	struct stat info;

	assert_non_null(mkdtemp(parent));
	setenv("XDG_RUNTIME_DIR", parent, 1);
	assert_int_equal(runtime_dir(path, false), -ENOENT);
	assert_int_equal(runtime_dir(path, true), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	assert_int_equal(runtime_dir_file(file, sizeof(file), "vm", "control.sock"), 0);
	assert_int_equal(strncmp(file, path, strlen(path)), 0);
	assert_string_equal(file + strlen(path), "/vm/control.sock");
	assert_int_equal(runtime_dir_file(file, sizeof(file), "a/b", "x"), -EINVAL);
	assert_int_equal(runtime_dir_file(file, 20, "vm", "control.sock"), -ENAMETOOLONG);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(runtime_dir(path, true), -EPERM);
	rmdir(path);
	rmdir(parent);
	memset(wide, 'x', sizeof(wide) - 1);
	wide[0] = '/';
	wide[sizeof(wide) - 1] = '\0';
	setenv("XDG_RUNTIME_DIR", wide, 1);
	assert_int_equal(runtime_dir(path, true), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_directory_is_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
