/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include_next <asm/byteorder.h>
#include <endian.h>

#define cpu_to_le16 htole16
#define cpu_to_le32 htole32
