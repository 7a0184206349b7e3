// SPDX-License-Identifier: Apache-2.0
// All of the library. See libprd32(3).
#pragma once

#include <prd32/area.hpp>
#include <prd32/buffer.hpp>
#include <prd32/device.hpp>
#include <prd32/request.hpp>
#include <prd32/result.hpp>
#include <prd32/system.hpp>
#include <prd32/transfer.hpp>
