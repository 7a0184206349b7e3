// SPDX-License-Identifier: Apache-2.0
// The C interface as a C program sees it: that it compiles is half of the test.
#include <prd32/prd32.h>

int prd32_c_open(const char *path);

/* What prd32_open() says of a path; the device is closed again. */
int prd32_c_open(const char *path)
{
	struct prd32_device *device = NULL;
	int error = prd32_open(path, &device);

	prd32_close(device);
	return error;
}
