/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <bus/bus.h>
#include <kvm/vcpu_exit.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#define RUN_BYTES 8192u
#define DATA_OFFSET 4096u

struct probe {
	struct bus_region region;
	uint64_t next;
	unsigned int writes, bytes;
	uint64_t values[8];
};

static uint64_t probe_read(struct bus_region *region, uint64_t offset, unsigned int bytes)
{
	struct probe *probe = (struct probe *)region;

	return probe->next++;
}

static void probe_write(struct bus_region *region, uint64_t offset, unsigned int bytes,
			uint64_t value)
{
	struct probe *probe = (struct probe *)region;

	probe->bytes = bytes;
	probe->values[probe->writes++ % 8] = value;
}

static const struct bus_region_ops probe_ops = { .read = probe_read, .write = probe_write };

struct bench {
	struct kvm_run *run;
	uint8_t *data;
	struct bus *bus;
	struct probe probe;
};

static void bench_open(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->run = calloc(1, RUN_BYTES);
	bench->data = (uint8_t *)bench->run + DATA_OFFSET;
	bench->bus = bus_create("test");
	bench->probe.region = (struct bus_region){
		.ops = &probe_ops, .base = 0x100, .bytes = 8, .name = "probe",
	};
	assert_int_equal(bus_add(bench->bus, &bench->probe.region), 0);
}

static void bench_close(struct bench *bench)
{
	bus_destroy(bench->bus);
	free(bench->run);
}

static void port_exit(struct bench *bench, uint8_t direction, uint8_t size, uint16_t port,
		      uint32_t count)
{
	bench->run->io.direction = direction;
	bench->run->io.size = size;
	bench->run->io.port = port;
	bench->run->io.count = count;
	bench->run->io.data_offset = DATA_OFFSET;
	vcpu_exit_io(bench->run, bench->bus);
}

static void test_ports(void **state)
{
	struct bench bench;

	bench_open(&bench);
	memcpy(bench.data, "\x11\x22\x33\x44\x55\x66", 6);
	port_exit(&bench, KVM_EXIT_IO_OUT, 2, 0x100, 3);        /* rep outsw */
	assert_int_equal(bench.probe.writes, 3);
	assert_int_equal(bench.probe.bytes, 2);
	assert_int_equal(bench.probe.values[0], 0x2211);
	assert_int_equal(bench.probe.values[2], 0x6655);
	bench.probe.next = 0xa0;
	port_exit(&bench, KVM_EXIT_IO_IN, 1, 0x104, 4);         /* rep insb */
	assert_memory_equal(bench.data, "\xa0\xa1\xa2\xa3\x55", 5);
	port_exit(&bench, KVM_EXIT_IO_IN, 4, 0x80, 1);          /* nobody there */
	assert_memory_equal(bench.data, "\xff\xff\xff\xff\x55", 5);
	port_exit(&bench, KVM_EXIT_IO_OUT, 4, 0xffff, 1);       /* over the end */
	assert_int_equal(bench.probe.writes, 3);
	bench_close(&bench);
}

static void memory_exit(struct bench *bench, uint64_t address, uint32_t bytes, bool write)
{
	bench->run->mmio.phys_addr = address;
	bench->run->mmio.len = bytes;
	bench->run->mmio.is_write = write;
	vcpu_exit_mmio(bench->run, bench->bus);
}

static void test_memory(void **state)
{
	struct bench bench;

	bench_open(&bench);
	memcpy(bench.run->mmio.data, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
	memory_exit(&bench, 0x100, 8, true);
	assert_int_equal(bench.probe.values[0], 0x0807060504030201);
	memory_exit(&bench, 0x102, 3, true);
	assert_int_equal(bench.probe.values[1], 0x030201);
	bench.probe.next = 0x1234;
	memory_exit(&bench, 0x104, 2, false);
	assert_memory_equal(bench.run->mmio.data, "\x34\x12", 2);
	memory_exit(&bench, UINT64_MAX - 1, 8, false);
	assert_memory_equal(bench.run->mmio.data, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	memory_exit(&bench, 0x106, 4, true);                    /* half outside */
	assert_int_equal(bench.probe.writes, 2);
	bench_close(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("vcpu_exit", tests, NULL, NULL);
}
