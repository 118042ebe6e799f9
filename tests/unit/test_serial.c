/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/loop.h>
#include <chips/console.h>
#include <chips/serial.h>
#include <fcntl.h>
#include <linux/serial_reg.h>
#include <string.h>
#include <unistd.h>
#include "chip_rig.h"

struct bench {
	struct chip_rig rig;
	struct loop *loop;
	int in[2], out[2];
	struct console *console;
	struct serial *serial;
	struct bus_region *region;
};

static void bench_open(struct bench *bench, bool lossy)
{
	struct irq_line irq = chip_rig_line(&bench->rig, 4);

	memset(&bench->rig, 0, sizeof(bench->rig));
	bench->loop = loop_create("test");
	assert_int_equal(pipe2(bench->in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(bench->out, O_CLOEXEC | O_NONBLOCK), 0);
	bench->console = console_create_fds(bench->loop, bench->in[0], bench->out[1], lossy);
	assert_non_null(bench->console);
	bench->serial = serial_create(0x3f8, &irq, bench->console);
	bench->region = serial_region(bench->serial);
}

static void bench_close(struct bench *bench)
{
	serial_destroy(bench->serial);
	console_destroy(bench->console);
	loop_destroy(bench->loop);
	close(bench->in[0]);
	close(bench->in[1]);
	close(bench->out[0]);
	close(bench->out[1]);
}

static void settle(struct bench *bench)
{
	while (loop_dispatch(bench->loop, 0) > 0)
		;
}

static uint8_t get(struct bench *bench, unsigned int offset)
{
	return (uint8_t)chip_read(bench->region, offset, 1);
}

static void set(struct bench *bench, unsigned int offset, uint8_t value)
{
	chip_write(bench->region, offset, 1, value);
}

static void test_sends(void **state)
{
	struct bench bench;
	char text[8] = "";

	bench_open(&bench, true);
	set(&bench, UART_TX, 'h');
	set(&bench, UART_TX, 'i');
	settle(&bench);
	assert_int_equal(read(bench.out[0], text, sizeof(text)), 2);
	assert_string_equal(text, "hi");
	assert_int_equal(get(&bench, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
	bench_close(&bench);
}

static void test_transmit_interrupt(void **state)
{
	struct bench bench;

	bench_open(&bench, true);
	set(&bench, UART_IER, UART_IER_THRI);
	assert_false(bench.rig.level);                  /* OUT2 disconnects the wire */
	set(&bench, UART_MCR, UART_MCR_OUT2);
	assert_true(bench.rig.level);
	assert_int_equal(get(&bench, UART_IIR), UART_IIR_THRI);
	assert_false(bench.rig.level);                  /* reading it answers it */
	assert_int_equal(get(&bench, UART_IIR), UART_IIR_NO_INT);
	set(&bench, UART_TX, 'x');
	assert_true(bench.rig.level);                   /* sent already */
	set(&bench, UART_IER, 0);
	assert_false(bench.rig.level);
	get(&bench, UART_IIR);
	set(&bench, UART_IER, UART_IER_THRI);           /* empty when enabled: at once */
	assert_true(bench.rig.level);
	bench_close(&bench);
}

static void test_receives(void **state)
{
	struct bench bench;
	char text[40];
	size_t i;

	bench_open(&bench, true);
	set(&bench, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	set(&bench, UART_MCR, UART_MCR_OUT2);
	set(&bench, UART_IER, UART_IER_RDI);
	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	assert_int_equal(write(bench.in[1], text, sizeof(text)), sizeof(text));
	close(bench.in[1]);                             /* hangs up with bytes still in the pipe */
	bench.in[1] = dup(bench.in[0]);
	settle(&bench);
	assert_true(bench.rig.level);
	assert_int_equal(get(&bench, UART_IIR), UART_IIR_RDI | 0xc0);
	for (i = 0; i < sizeof(text); i++) {
		settle(&bench);
		assert_int_equal(get(&bench, UART_LSR) & UART_LSR_DR, UART_LSR_DR);
		assert_int_equal(get(&bench, UART_LSR) & UART_LSR_OE, 0);
		assert_int_equal(get(&bench, UART_RX), text[i]);
	}
	assert_false(bench.rig.level);
	assert_int_equal(get(&bench, UART_LSR) & UART_LSR_DR, 0);
	assert_int_equal(get(&bench, UART_RX), 0);
	bench_close(&bench);
}

static void test_few_bytes_time_out(void **state)
{
	struct bench bench;

	bench_open(&bench, true);
	set(&bench, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_14);
	set(&bench, UART_IER, UART_IER_RDI);
	assert_int_equal(write(bench.in[1], "q", 1), 1);
	settle(&bench);
	assert_int_equal(get(&bench, UART_IIR), UART_IIR_RX_TIMEOUT | 0xc0);
	set(&bench, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	assert_int_equal(get(&bench, UART_IIR), UART_IIR_NO_INT | 0xc0);
	bench_close(&bench);
}

static void test_loop_back(void **state)
{
	struct bench bench;
	char byte;

	bench_open(&bench, true);
	set(&bench, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	assert_int_equal(get(&bench, UART_MSR), UART_MSR_DCD | UART_MSR_CTS);
	set(&bench, UART_TX, 0x5a);
	set(&bench, UART_TX, 0x5b);                     /* no FIFO: overrun */
	assert_int_equal(get(&bench, UART_LSR) & (UART_LSR_DR | UART_LSR_OE),
			 UART_LSR_DR | UART_LSR_OE);
	assert_int_equal(get(&bench, UART_LSR) & UART_LSR_OE, 0);
	assert_int_equal(get(&bench, UART_RX), 0x5a);
	settle(&bench);
	assert_int_equal(read(bench.out[0], &byte, 1), -1);     /* nothing left the chip */
	assert_false(bench.rig.level);
	bench_close(&bench);
}

static void test_divisor_and_scratch(void **state)
{
	struct bench bench;
	char byte;

	bench_open(&bench, true);
	set(&bench, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	set(&bench, UART_DLL, 0x01);
	set(&bench, UART_DLM, 0x02);
	assert_int_equal(get(&bench, UART_DLL), 0x01);
	assert_int_equal(get(&bench, UART_DLM), 0x02);
	set(&bench, UART_LCR, UART_LCR_WLEN8);
	assert_int_equal(get(&bench, UART_IER), 0);
	set(&bench, UART_SCR, 0xa5);
	assert_int_equal(get(&bench, UART_SCR), 0xa5);
	settle(&bench);
	assert_int_equal(read(bench.out[0], &byte, 1), -1);
	serial_reset(bench.serial);
	assert_int_equal(get(&bench, UART_SCR), 0);
	assert_int_equal(get(&bench, UART_LCR), 0);
	bench_close(&bench);
}

/* A file that takes nothing makes the transmitter busy; then not a byte is lost. */
static void test_full_console(void **state)
{
	static uint8_t piece[65536];
	struct bench bench;
	uint64_t sent = 0, got = 0;
	ssize_t count;

	bench_open(&bench, false);
	set(&bench, UART_MCR, UART_MCR_OUT2);
	set(&bench, UART_IER, UART_IER_THRI);
	while (get(&bench, UART_LSR) & UART_LSR_THRE) {
		set(&bench, UART_TX, (uint8_t)sent++);
		if (sent % 1000 == 0)
			settle(&bench);
		assert_true(sent < 1000000);
	}
	assert_true(sent >= CONSOLE_RING_BYTES);
	get(&bench, UART_IIR);
	assert_false(bench.rig.level);
	while ((count = read(bench.out[0], piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < count; i++)
			assert_int_equal(piece[i], (uint8_t)got++);
		settle(&bench);
	}
	assert_int_equal(got, sent);
	assert_true(bench.rig.level);                   /* there is room again */
	bench_close(&bench);
}

static void test_nobody_there(void **state)
{
	struct chip_rig rig = { .level = false };
	struct irq_line irq = chip_rig_line(&rig, 4);
	struct serial *serial = serial_create(0x3f8, &irq, NULL);

	assert_int_equal(chip_read(serial_region(serial), UART_LSR, 1),
			 UART_LSR_THRE | UART_LSR_TEMT);
	chip_hammer(serial_region(serial));
	serial_reset(serial);
	assert_false(rig.level);
	serial_destroy(serial);
}

static void test_any_access(void **state)
{
	struct bench bench;

	bench_open(&bench, true);
	chip_hammer(bench.region);
	settle(&bench);
	serial_reset(bench.serial);
	assert_false(bench.rig.level);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sends),
		cmocka_unit_test(test_transmit_interrupt),
		cmocka_unit_test(test_receives),
		cmocka_unit_test(test_few_bytes_time_out),
		cmocka_unit_test(test_loop_back),
		cmocka_unit_test(test_divisor_and_scratch),
		cmocka_unit_test(test_full_console),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_any_access),
	};

	return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
