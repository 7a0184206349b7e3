/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#define BIT(n) (1UL << (n))
#define GENMASK(high, low) ((~0UL >> (63 - (high))) & (~0UL << (low)))
