/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <base/log.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <devices/blk_image.h>

/* Readers share, a writer is alone. Locks go with the open file: a killed process leaves none. */
static int blk_image_lock(int fd, const char *path, bool readonly, struct option_error *error)
{
	struct flock lock = { .l_type = readonly ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES) {
		log_warn("disk %s: its file system has no locks (%s): take care that nobody else "
			 "uses it", path, strerror(errno));
		return 0;
	}
	option_error_set(error, "disk: %s is in use by another VM: stop that one, or use a copy%s",
			 path, readonly ? "" : " or readonly=on in both");
	return -EBUSY;
}

static int blk_image_measure(int fd, const char *path, uint64_t *bytes, struct option_error *error)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0) {
		int result = -errno;

		option_error_set(error, "disk: cannot use %s: %s", path, strerror(errno));
		return result;
	}
	if (S_ISREG(stat.st_mode)) {
		*bytes = (uint64_t)stat.st_size;
	} else if (!S_ISBLK(stat.st_mode)) {
		return option_error_set(error, "disk: %s is neither a file nor a block device",
					path);
	} else if (ioctl(fd, BLKGETSIZE64, bytes) < 0) {
		option_error_set(error, "disk: cannot tell the size of %s: %s", path,
				 strerror(errno));
		return -EIO;
	}
	if (*bytes < BLK_SECTOR_BYTES)
		return option_error_set(error, "disk: %s is empty: make an image first (say "
					"'truncate -s 8G %s')", path, path);
	if (*bytes % BLK_SECTOR_BYTES != 0)
		log_warn("disk %s: its last %u bytes do not fill a sector and stay unused", path,
			 (unsigned)(*bytes % BLK_SECTOR_BYTES));
	return 0;
}

int blk_image_open(struct blk_image *image, const char *path, bool readonly,
		   struct option_error *error)
{
	uint64_t bytes = 0;
	int result;
	/* O_NONBLOCK: a FIFO is refused below instead of waited for. */
	int fd = open(path, (readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		result = -errno;
		option_error_set(error, "disk: cannot open %s%s: %s%s", path,
				 readonly ? "" : " for writing", strerror(errno),
				 !readonly && (errno == EACCES || errno == EROFS || errno == EPERM)
					 ? " (readonly=on opens it for reading only)" : "");
		return result;
	}
	/* Left on, io_uring would refuse to wait for the disk. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	result = blk_image_measure(fd, path, &bytes, error);
	if (result == 0)
		result = blk_image_lock(fd, path, readonly, error);
	if (result < 0) {
		close(fd);
		return result;
	}
	*image = (struct blk_image){ .fd = fd, .readonly = readonly,
				     .sectors = bytes / BLK_SECTOR_BYTES };
	return 0;
}

void blk_image_close(struct blk_image *image)
{
	close(image->fd);
	image->fd = -1;
}
