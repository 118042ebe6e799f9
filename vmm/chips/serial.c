/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/serial_reg.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <bus/bus.h>
#include <chips/console.h>
#include <chips/serial.h>

#define SERIAL_FIFO_BYTES 16u
/* After reset: 9600 baud from 1.8432 MHz. */
#define SERIAL_DIVISOR_DEFAULT 12u

struct serial {
	struct bus_region region;
	struct irq_line irq;
	struct console *console;
	pthread_mutex_t lock;           /* guards what follows */
	bool irq_level;
	bool thre_pending;              /* the transmitter's interrupt was not seen yet */
	bool overrun;
	bool fifo;                      /* FIFOs are on */
	uint8_t fifo_trigger;
	uint8_t enable, line_control, modem_control, scratch;
	uint16_t divisor;
	uint8_t received[SERIAL_FIFO_BYTES];
	unsigned int received_first, received_count;
};

static unsigned int serial_capacity(const struct serial *serial)
{
	return serial->fifo ? SERIAL_FIFO_BYTES : 1;
}

static bool serial_transmitter_empty(struct serial *serial)
{
	return !serial->console || console_has_room(serial->console);
}

static void serial_receive_byte(struct serial *serial, uint8_t byte)
{
	unsigned int last;

	if (serial->received_count >= serial_capacity(serial)) {
		serial->overrun = true;
		return;
	}
	last = (serial->received_first + serial->received_count++) % SERIAL_FIFO_BYTES;
	serial->received[last] = byte;
}

/* The interrupt with the highest priority, as UART_IIR says it. */
static uint8_t serial_interrupt(const struct serial *serial)
{
	if ((serial->enable & UART_IER_RLSI) && serial->overrun)
		return UART_IIR_RLSI;
	if ((serial->enable & UART_IER_RDI) && serial->received_count > 0)
		/* Fewer bytes than the trigger level: as if they had waited for long. */
		return serial->received_count >= serial->fifo_trigger ? UART_IIR_RDI :
									UART_IIR_RX_TIMEOUT;
	if ((serial->enable & UART_IER_THRI) && serial->thre_pending)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

/* With the lock held, so that levels reach the wire in the order in which they came about. On a PC
 * the OUT2 pin connects the port with its wire; in loop-back it does not. */
static void serial_update_irq(struct serial *serial)
{
	bool level = serial_interrupt(serial) != UART_IIR_NO_INT &&
		     (serial->modem_control & (UART_MCR_OUT2 | UART_MCR_LOOP)) == UART_MCR_OUT2;

	if (level != serial->irq_level)
		irq_line_set(&serial->irq, level);
	serial->irq_level = level;
}

static uint8_t serial_read_receiver(struct serial *serial)
{
	uint8_t byte;

	if (serial->received_count == 0)
		return 0;
	byte = serial->received[serial->received_first];
	serial->received_first = (serial->received_first + 1) % SERIAL_FIFO_BYTES;
	if (--serial->received_count == 0 && serial->console)
		console_resume_input(serial->console);
	return byte;
}

static uint8_t serial_read_interrupt(struct serial *serial)
{
	uint8_t interrupt = serial_interrupt(serial);

	if (interrupt == UART_IIR_THRI)
		serial->thre_pending = false;
	return interrupt | (serial->fifo ? 0xc0 : 0);
}

static uint8_t serial_read_line_status(struct serial *serial)
{
	uint8_t status = 0;

	if (serial->received_count > 0)
		status |= UART_LSR_DR;
	if (serial->overrun)
		status |= UART_LSR_OE;
	if (serial_transmitter_empty(serial))
		status |= UART_LSR_THRE | UART_LSR_TEMT;
	serial->overrun = false;
	return status;
}

/* The other side is always there and ready; in loop-back our own outputs come back. */
static uint8_t serial_read_modem_status(const struct serial *serial)
{
	uint8_t control = serial->modem_control;
	uint8_t status = 0;

	if (!(control & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (control & UART_MCR_RTS)
		status |= UART_MSR_CTS;
	if (control & UART_MCR_DTR)
		status |= UART_MSR_DSR;
	if (control & UART_MCR_OUT1)
		status |= UART_MSR_RI;
	if (control & UART_MCR_OUT2)
		status |= UART_MSR_DCD;
	return status;
}

static uint8_t serial_read_register(struct serial *serial, unsigned int offset)
{
	bool divisor = serial->line_control & UART_LCR_DLAB;

	switch (offset) {
	case UART_RX:
		return divisor ? (uint8_t)serial->divisor : serial_read_receiver(serial);
	case UART_IER:
		return divisor ? (uint8_t)(serial->divisor >> 8) : serial->enable;
	case UART_IIR:
		return serial_read_interrupt(serial);
	case UART_LCR:
		return serial->line_control;
	case UART_MCR:
		return serial->modem_control;
	case UART_LSR:
		return serial_read_line_status(serial);
	case UART_MSR:
		return serial_read_modem_status(serial);
	default:
		return serial->scratch;
	}
}

static void serial_send(struct serial *serial, uint8_t byte)
{
	if (serial->modem_control & UART_MCR_LOOP)
		serial_receive_byte(serial, byte);
	else if (serial->console)
		/* Who does not wait for an empty transmitter loses bytes, as on any UART. */
		console_write(serial->console, byte);
	/* Sent already, unless that was the last byte the console had room for. */
	serial->thre_pending = serial_transmitter_empty(serial);
}

static void serial_write_fifo_control(struct serial *serial, uint8_t value)
{
	static const uint8_t triggers[] = { 1, 4, 8, 14 };
	bool fifo = value & UART_FCR_ENABLE_FIFO;

	/* Switching the FIFOs on or off empties them too. */
	if (fifo != serial->fifo || (value & UART_FCR_CLEAR_RCVR))
		serial->received_count = 0;
	serial->fifo = fifo;
	serial->fifo_trigger = fifo ? triggers[value >> 6] : 1;
	if (serial->console)
		console_resume_input(serial->console);
}

static void serial_write_enable(struct serial *serial, uint8_t value)
{
	/* An empty transmitter interrupts as soon as it is allowed to. */
	if ((value & ~serial->enable & UART_IER_THRI) && serial_transmitter_empty(serial))
		serial->thre_pending = true;
	serial->enable = value & 0x0f;
}

static void serial_write_register(struct serial *serial, unsigned int offset, uint8_t value)
{
	bool divisor = serial->line_control & UART_LCR_DLAB;

	switch (offset) {
	case UART_TX:
		if (divisor)
			serial->divisor = (uint16_t)((serial->divisor & 0xff00) | value);
		else
			serial_send(serial, value);
		break;
	case UART_IER:
		if (divisor)
			serial->divisor = (uint16_t)((serial->divisor & 0x00ff) | value << 8);
		else
			serial_write_enable(serial, value);
		break;
	case UART_FCR:
		serial_write_fifo_control(serial, value);
		break;
	case UART_LCR:
		serial->line_control = value;
		break;
	case UART_MCR:
		serial->modem_control = value & 0x1f;
		break;
	case UART_SCR:
		serial->scratch = value;
		break;
	}
}

static uint64_t serial_read(struct bus_region *region, uint64_t offset, unsigned int bytes)
{
	struct serial *serial = (struct serial *)region;
	uint64_t value = 0;
	unsigned int i;

	pthread_mutex_lock(&serial->lock);
	for (i = 0; i < bytes; i++)
		value |= (uint64_t)serial_read_register(serial, (unsigned int)offset + i) << i * 8;
	serial_update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
	return value;
}

static void serial_write(struct bus_region *region, uint64_t offset, unsigned int bytes,
			 uint64_t value)
{
	struct serial *serial = (struct serial *)region;
	unsigned int i;

	pthread_mutex_lock(&serial->lock);
	for (i = 0; i < bytes; i++)
		serial_write_register(serial, (unsigned int)offset + i, (uint8_t)(value >> i * 8));
	serial_update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
}

static const struct bus_region_ops serial_region_ops = {
	.read = serial_read,
	.write = serial_write,
};

static size_t serial_input_room(void *data)
{
	struct serial *serial = data;
	size_t room = 0;

	pthread_mutex_lock(&serial->lock);
	if (!(serial->modem_control & UART_MCR_LOOP))
		room = serial_capacity(serial) - serial->received_count;
	pthread_mutex_unlock(&serial->lock);
	return room;
}

static void serial_input(void *data, const uint8_t *bytes, size_t count)
{
	struct serial *serial = data;
	size_t i;

	pthread_mutex_lock(&serial->lock);
	for (i = 0; i < count; i++)
		serial_receive_byte(serial, bytes[i]);
	serial_update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
}

static void serial_output_room(void *data)
{
	struct serial *serial = data;

	pthread_mutex_lock(&serial->lock);
	serial->thre_pending = true;
	serial_update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
}

static const struct console_ops serial_console_ops = {
	.input_room = serial_input_room,
	.input = serial_input,
	.output_room = serial_output_room,
};

struct bus_region *serial_region(struct serial *serial)
{
	return &serial->region;
}

void serial_reset(struct serial *serial)
{
	pthread_mutex_lock(&serial->lock);
	serial->thre_pending = false;
	serial->overrun = false;
	serial->fifo = false;
	serial->fifo_trigger = 1;
	serial->enable = serial->line_control = serial->modem_control = serial->scratch = 0;
	serial->divisor = SERIAL_DIVISOR_DEFAULT;
	serial->received_count = 0;
	serial_update_irq(serial);
	pthread_mutex_unlock(&serial->lock);
	if (serial->console)
		console_resume_input(serial->console);
}

struct serial *serial_create(uint16_t base, const struct irq_line *irq, struct console *console)
{
	struct serial *serial = calloc(1, sizeof(*serial));

	if (!serial)
		return NULL;
	serial->region = (struct bus_region){
		.ops = &serial_region_ops, .base = base, .bytes = SERIAL_BYTES, .name = "serial",
	};
	serial->irq = *irq;
	serial->console = console;
	pthread_mutex_init(&serial->lock, NULL);
	if (console)
		console_set_owner(console, &serial_console_ops, serial);
	serial_reset(serial);
	return serial;
}

void serial_destroy(struct serial *serial)
{
	if (!serial)
		return;
	if (serial->console)
		console_set_owner(serial->console, NULL, NULL);
	pthread_mutex_destroy(&serial->lock);
	free(serial);
}
