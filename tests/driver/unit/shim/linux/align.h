/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define ALIGN(value, to) (((value) + (to)-1) & ~((dma_addr_t)(to)-1))
