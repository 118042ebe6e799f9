/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/bytes.h>
#include <base/log.h>
#include <base/loop.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <pci/msix.h>
#include <pci/pci.h>

#define MSIX_PENDING_OFFSET 0x800
#define MSIX_CAPABILITY_BYTES 12
#define MSIX_ENTRY_CONTROL 3

static const struct pci_host_ops *msix_host(const struct msix *msix, void **host)
{
	const struct pci_bus_config *config = pci_bus_config(msix->function->bus);

	*host = config->host;
	return config->host_ops;
}

static bool msix_vector_open(const struct msix *msix, const struct msix_vector *vector)
{
	return msix->enabled && !msix->function_masked &&
	       !(vector->entry[MSIX_ENTRY_CONTROL] & PCI_MSIX_ENTRY_CTRL_MASKBIT);
}

/* Makes the vector's route say what its entry says. False when the host could not. */
static bool msix_vector_route(struct msix *msix, struct msix_vector *vector)
{
	uint64_t address = (uint64_t)vector->entry[1] << 32 | vector->entry[0];
	uint32_t data = vector->entry[2];
	void *host;
	const struct pci_host_ops *ops = msix_host(msix, &host);
	int result;

	if (vector->gsi < 0) {
		result = ops->msi_route_add(host, address, data);
		if (result >= 0)
			vector->gsi = result;
	} else if (address != vector->routed_address || data != vector->routed_data) {
		result = ops->msi_route_set(host, vector->gsi, address, data);
	} else {
		return true;
	}
	if (result < 0) {
		log_guest_bug("%s: no interrupt route to %#llx: %s", msix->function->name,
			      (unsigned long long)address, strerror(-result));
		return false;
	}
	vector->routed_address = address;
	vector->routed_data = data;
	return true;
}

static struct msix_vector *msix_source_find_vector(struct msix_source *source)
{
	struct msix *msix = source->msix;

	return source->vector < msix->vector_count ? &msix->vectors[source->vector] : NULL;
}

static void msix_source_relayed(void *data, uint32_t events)
{
	struct msix_source *source = data;
	struct msix *msix = source->msix;
	struct msix_vector *vector = msix_source_find_vector(source);
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) != sizeof(count))
		return;
	if (!msix->enabled)
		msix->intx(msix->data, (unsigned)(source - msix->sources));
	else if (vector)
		vector->pending = true;
}

static void msix_source_relay(struct msix_source *source)
{
	struct msix *msix = source->msix;

	if (source->relay)
		return;
	source->relay = loop_fd_add(msix->loop, source->fd, EPOLLIN, msix_source_relayed, source);
	if (!source->relay)
		log_error("%s: cannot listen to an interrupt: %s", msix->function->name,
			  strerror(errno));
}

/* gsi -1: relay it. An event that is already counted in the eventfd reaches the new way too. */
static void msix_source_bind(struct msix_source *source, int gsi)
{
	void *host;
	const struct pci_host_ops *ops = msix_host(source->msix, &host);
	int error;

	if (source->bound_gsi != gsi) {
		if (source->bound_gsi >= 0)
			ops->irqfd(host, source->fd, source->bound_gsi, false);
		source->bound_gsi = -1;
	}
	if (gsi >= 0 && source->bound_gsi < 0) {
		loop_fd_remove(source->relay);
		source->relay = NULL;
		error = ops->irqfd(host, source->fd, gsi, true);
		if (error == 0)
			source->bound_gsi = gsi;
		else
			log_error("%s: cannot bind an interrupt: %s", source->msix->function->name,
				  strerror(-error));
	}
	if (source->bound_gsi < 0)
		msix_source_relay(source);
}

static void msix_source_signal(const struct msix_source *source)
{
	uint64_t one = 1;

	/* Fails only when the count is at its end, which is as good as one more. */
	if (write(source->fd, &one, sizeof(one)) < 0)
		return;
}

/* After the entry, the masks or the sources' vectors changed. A message that became pending is sent
 * through any source of the vector; when all have left it, nobody waits for it. */
static void msix_vector_update(struct msix *msix, unsigned index)
{
	struct msix_vector *vector = &msix->vectors[index];
	bool open = msix_vector_open(msix, vector) && msix_vector_route(msix, vector);
	bool pending = vector->pending;

	if (open)
		vector->pending = false;
	for (unsigned i = 0; i < msix->source_count; i++) {
		struct msix_source *source = &msix->sources[i];

		if (source->vector != index)
			continue;
		msix_source_bind(source, open ? vector->gsi : -1);
		if (open && pending)
			msix_source_signal(source);
		pending = open ? false : pending;
	}
}

static void msix_update_all(struct msix *msix)
{
	for (unsigned i = 0; i < msix->vector_count; i++)
		msix_vector_update(msix, i);
}

bool msix_is_control(const struct msix *msix, unsigned offset, unsigned bytes)
{
	unsigned control = msix->capability + PCI_MSIX_FLAGS;

	return offset < control + 2 && offset + bytes > control;
}

void msix_update(struct msix *msix)
{
	uint32_t control = pci_function_config_load(msix->function,
						    msix->capability + PCI_MSIX_FLAGS, 2);

	msix->enabled = control & PCI_MSIX_FLAGS_ENABLE;
	msix->function_masked = control & PCI_MSIX_FLAGS_MASKALL;
	if (!msix->enabled) {
		for (unsigned i = 0; i < msix->vector_count; i++)
			msix->vectors[i].pending = false;
	}
	msix_update_all(msix);
}

static uint8_t msix_bar_byte(const struct msix *msix, uint64_t offset)
{
	uint64_t pending = offset - MSIX_PENDING_OFFSET;
	uint8_t byte = 0;

	if (offset / PCI_MSIX_ENTRY_SIZE < msix->vector_count) {
		uint32_t word = msix->vectors[offset / PCI_MSIX_ENTRY_SIZE].entry[offset / 4 % 4];

		return (uint8_t)(word >> 8 * (offset % 4));
	}
	if (offset < MSIX_PENDING_OFFSET)
		return 0;
	for (unsigned bit = 0; bit < 8 && pending * 8 + bit < msix->vector_count; bit++)
		byte |= (uint8_t)(msix->vectors[pending * 8 + bit].pending << bit);
	return byte;
}

uint64_t msix_bar_read(struct msix *msix, uint64_t offset, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)msix_bar_byte(msix, offset + i) << 8 * i;
	return value;
}

void msix_bar_write(struct msix *msix, uint64_t offset, unsigned bytes, uint64_t value)
{
	uint64_t index = offset / PCI_MSIX_ENTRY_SIZE;

	if ((bytes != 4 && bytes != 8) || offset % bytes != 0) {
		log_guest_bug("%s: MSI-X table written with %u bytes at %#llx",
			      msix->function->name, bytes, (unsigned long long)offset);
		return;
	}
	if (index >= msix->vector_count)
		return;
	msix->vectors[index].entry[offset / 4 % 4] = (uint32_t)value;
	if (bytes == 8)
		msix->vectors[index].entry[offset / 4 % 4 + 1] = (uint32_t)(value >> 32);
	msix->vectors[index].entry[MSIX_ENTRY_CONTROL] &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	msix_vector_update(msix, (unsigned)index);
}

int msix_source_fd(const struct msix *msix, unsigned source)
{
	return msix->sources[source].fd;
}

uint16_t msix_source_vector(const struct msix *msix, unsigned source)
{
	return msix->sources[source].vector;
}

void msix_source_set_vector(struct msix *msix, unsigned source, uint16_t vector)
{
	msix->sources[source].vector = vector < msix->vector_count ? vector : MSIX_NO_VECTOR;
	if (vector < msix->vector_count)
		msix_vector_update(msix, vector);
	else
		msix_source_bind(&msix->sources[source], -1);
}

void msix_reset_sources(struct msix *msix)
{
	uint64_t count;

	for (unsigned i = 0; i < msix->source_count; i++) {
		struct msix_source *source = &msix->sources[i];

		msix_source_set_vector(msix, i, MSIX_NO_VECTOR);
		/* -EAGAIN: nothing was on its way. */
		if (read(source->fd, &count, sizeof(count)) < 0)
			continue;
	}
	for (unsigned i = 0; i < msix->vector_count; i++)
		msix->vectors[i].pending = false;
}

static void msix_clear_table(struct msix *msix)
{
	for (unsigned i = 0; i < msix->vector_count; i++) {
		memset(msix->vectors[i].entry, 0, sizeof(msix->vectors[i].entry));
		msix->vectors[i].entry[MSIX_ENTRY_CONTROL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
		msix->vectors[i].pending = false;
	}
}

static void msix_remove_routes(struct msix *msix)
{
	void *host;
	const struct pci_host_ops *ops = msix_host(msix, &host);

	for (unsigned i = 0; i < msix->vector_count; i++) {
		if (msix->vectors[i].gsi >= 0)
			ops->msi_route_remove(host, msix->vectors[i].gsi);
		msix->vectors[i].gsi = -1;
	}
}

void msix_reset(struct msix *msix)
{
	msix_reset_sources(msix);
	msix_clear_table(msix);
	msix_update(msix);
	msix_remove_routes(msix);
}

static int msix_add_capability(struct msix *msix, unsigned bar)
{
	struct pci_function *function = msix->function;
	int offset = pci_function_add_capability(function, PCI_CAP_ID_MSIX, MSIX_CAPABILITY_BYTES);

	if (offset < 0)
		return offset;
	msix->capability = (unsigned)offset;
	le16_store(function->config + offset + PCI_MSIX_FLAGS, (uint16_t)(msix->vector_count - 1));
	le32_store(function->config + offset + PCI_MSIX_TABLE, bar);
	le32_store(function->config + offset + PCI_MSIX_PBA, MSIX_PENDING_OFFSET | bar);
	pci_function_set_writable(function, msix->capability + PCI_MSIX_FLAGS, 2,
				  PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	pci_function_add_bar(function, bar, MSIX_BAR_BYTES, false);
	return 0;
}

int msix_init(struct msix *msix, struct pci_function *function, struct loop *loop, unsigned bar,
	      unsigned vector_count, unsigned source_count, msix_intx_func *intx, void *data)
{
	*msix = (struct msix){ .function = function, .loop = loop, .intx = intx, .data = data };
	if (vector_count == 0 || vector_count > MSIX_MAX_VECTORS)
		return -EINVAL;
	msix->vectors = calloc(vector_count, sizeof(*msix->vectors));
	msix->sources = calloc(source_count, sizeof(*msix->sources));
	if (!msix->vectors || !msix->sources)
		return -ENOMEM;
	msix->vector_count = vector_count;
	for (unsigned i = 0; i < vector_count; i++)
		msix->vectors[i].gsi = -1;
	msix_clear_table(msix);
	for (; msix->source_count < source_count; msix->source_count++) {
		struct msix_source *source = &msix->sources[msix->source_count];

		*source = (struct msix_source){ .msix = msix, .vector = MSIX_NO_VECTOR,
						.bound_gsi = -1 };
		source->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (source->fd < 0)
			return -errno;
		msix_source_relay(source);
		if (!source->relay) {
			close(source->fd);
			return -ENOMEM;
		}
	}
	return msix_add_capability(msix, bar);
}

void msix_finish(struct msix *msix)
{
	if (msix->function && msix->function->bus) {
		for (unsigned i = 0; i < msix->source_count; i++)
			msix_source_bind(&msix->sources[i], -1);
		msix_remove_routes(msix);
	}
	for (unsigned i = 0; i < msix->source_count; i++) {
		loop_fd_remove(msix->sources[i].relay);
		close(msix->sources[i].fd);
	}
	free(msix->sources);
	free(msix->vectors);
}
