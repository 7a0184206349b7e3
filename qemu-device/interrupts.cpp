// SPDX-License-Identifier: Apache-2.0
#include "interrupts.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "eventfd.hpp"

namespace prd32 {
namespace {

constexpr std::uint32_t kDataTypes = VFIO_IRQ_SET_DATA_TYPE_MASK;
constexpr std::uint32_t kActions = VFIO_IRQ_SET_ACTION_TYPE_MASK;

template <typename Function>
void for_each_bit(std::uint32_t bits, Function function) {
  for (; bits != 0; bits &= bits - 1) {
    function(static_cast<unsigned>(std::countr_zero(bits)));
  }
}

}  // namespace

void Interrupts::set_line(unsigned vector, bool high) {
  const std::uint32_t bit = std::uint32_t{1} << vector;
  if (vector >= vectors_ || ((lines_ & bit) != 0) == high) {
    return;
  }
  lines_ ^= bit;
  pending_ = high ? pending_ | bit : pending_ & ~bit;
  deliver();
}

void Interrupts::lower_lines() {
  lines_ = 0;
  pending_ = 0;
}

void Interrupts::set_enables(const InterruptEnables& enables) {
  enables_ = enables;
  deliver();
}

void Interrupts::set_table_mask(std::uint32_t masked) {
  table_masked_ = masked;
  deliver();
}

bool Interrupts::signal(const Slot& slot) {
  return slot.event && signal_event(slot.event.get());
}

void Interrupts::deliver() {
  if (enables_.silent) {
    return;
  }
  if (enables_.msix) {
    if (enables_.msix_function_masked) {
      return;
    }
    for_each_bit(pending_ & ~table_masked_, [this](unsigned vector) {
      if (!msix_[vector].masked && signal(msix_[vector])) {
        pending_ &= ~(std::uint32_t{1} << vector);
        ++counts_.msix;
      }
    });
  } else if (enables_.msi) {
    for_each_bit(pending_, [this](unsigned vector) {
      // With fewer messages than vectors, several vectors share one: a function may only change the low bits.
      const unsigned message = vector & (enables_.msi_granted - 1);
      const bool masked = ((enables_.msi_masked >> message) & 1U) != 0 || msi_[message].masked;
      if (!masked && signal(msi_[message])) {
        pending_ &= ~(std::uint32_t{1} << vector);
        ++counts_.msi;
      }
    });
  } else if (enables_.intx && lines_ != 0 && !intx_[0].masked && signal(intx_[0])) {
    // Level-triggered over an edge: nothing more until the client unmasks, and then again while the level is there.
    intx_[0].masked = true;
    ++counts_.intx;
  }
}

std::uint32_t Interrupts::msi_pending() const {
  std::uint32_t messages = 0;
  if (enables_.msi) {
    for_each_bit(pending_, [&](unsigned vector) { messages |= 1U << (vector & (enables_.msi_granted - 1)); });
  }
  return messages;
}

unsigned Interrupts::count(std::uint32_t index) const {
  switch (index) {
    case VFIO_PCI_MSI_IRQ_INDEX:
      return msi_vectors_;
    case VFIO_PCI_MSIX_IRQ_INDEX:
      return vectors_;
    case VFIO_PCI_INTX_IRQ_INDEX:
    case VFIO_PCI_ERR_IRQ_INDEX:
    case VFIO_PCI_REQ_IRQ_INDEX:
      return 1;
    default:
      return 0;
  }
}

Interrupts::Slot* Interrupts::slots(std::uint32_t index) {
  switch (index) {
    case VFIO_PCI_INTX_IRQ_INDEX:
      return intx_.data();
    case VFIO_PCI_MSI_IRQ_INDEX:
      return msi_.data();
    case VFIO_PCI_MSIX_IRQ_INDEX:
      return msix_.data();
    case VFIO_PCI_ERR_IRQ_INDEX:
      return error_.data();
    default:
      return request_.data();
  }
}

bool Interrupts::describe(wire::IrqInfo& info) const {
  info.count = count(info.index);
  info.flags = VFIO_IRQ_INFO_EVENTFD;
  if (info.index == VFIO_PCI_INTX_IRQ_INDEX) {
    info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
  } else if (info.index == VFIO_PCI_MSI_IRQ_INDEX || info.index == VFIO_PCI_MSIX_IRQ_INDEX) {
    info.flags |= VFIO_IRQ_INFO_MASKABLE;
  }
  return info.count != 0;
}

int Interrupts::check(const wire::IrqSet& request, std::size_t bools, const MessageFds& fds) const {
  const std::uint32_t data = request.flags & kDataTypes;
  const std::uint32_t action = request.flags & kActions;
  const unsigned available = count(request.index);
  if ((request.flags & ~(kDataTypes | kActions)) != 0 || !std::has_single_bit(data) || !std::has_single_bit(action) ||
      request.start >= std::max(available, 1U) || request.count > available - request.start) {
    return EINVAL;
  }
  const bool maskable = request.index <= VFIO_PCI_MSIX_IRQ_INDEX;
  if (action != VFIO_IRQ_SET_ACTION_TRIGGER && !maskable) {
    return EINVAL;
  }
  if (request.count == 0 && (data != VFIO_IRQ_SET_DATA_NONE || action != VFIO_IRQ_SET_ACTION_TRIGGER)) {
    return EINVAL;  // only "disable the whole index" goes without a count
  }
  if (bools != (data == VFIO_IRQ_SET_DATA_BOOL ? request.count : 0)) {
    return EBADMSG;
  }
  if (fds.overflow || (fds.count != 0 && (data != VFIO_IRQ_SET_DATA_EVENTFD || fds.count != request.count))) {
    return EBADMSG;
  }
  return available == 0 ? EINVAL : 0;
}

int Interrupts::set_irqs(const wire::IrqSet& request, std::span<const std::byte> bools, MessageFds& fds) {
  if (const int error = check(request, bools.size(), fds); error != 0) {
    return error;
  }
  int error = 0;
  if (request.count == 0) {
    disable(request.index);
  } else if ((request.flags & VFIO_IRQ_SET_DATA_EVENTFD) != 0) {
    error = assign(request, fds);
  } else {
    for (unsigned i = 0; i < request.count; ++i) {
      if (bools.empty() || bools[i] != std::byte{0}) {
        act(request, request.start + i);
      }
    }
  }
  deliver();
  return error;
}

int Interrupts::assign(const wire::IrqSet& request, MessageFds& fds) {
  for (std::size_t i = 0; i < fds.count; ++i) {
    if (!is_eventfd(fds.fd[i].get())) {
      return EINVAL;
    }
  }
  if ((request.flags & VFIO_IRQ_SET_ACTION_TRIGGER) == 0) {
    const bool unmask_intx =
        request.index == VFIO_PCI_INTX_IRQ_INDEX && (request.flags & VFIO_IRQ_SET_ACTION_UNMASK) != 0;
    return unmask_intx ? assign_unmask_event(fds) : ENOTSUP;
  }
  for (unsigned i = 0; i < request.count; ++i) {
    Slot& slot = slots(request.index)[request.start + i];
    // Without descriptors the interrupts lose theirs.
    slot.event = fds.count != 0 ? std::move(fds.fd[i]) : UniqueFd();
    if (request.index == VFIO_PCI_INTX_IRQ_INDEX) {
      slot.masked = false;  // who listens anew has not seen the level yet
    }
  }
  return 0;
}

int Interrupts::assign_unmask_event(MessageFds& fds) {
  intx_unmask_ = fds.count != 0 ? std::move(fds.fd[0]) : UniqueFd();
  return 0;
}

void Interrupts::act(const wire::IrqSet& request, unsigned interrupt) {
  Slot& slot = slots(request.index)[interrupt];
  switch (request.flags & kActions) {
    case VFIO_IRQ_SET_ACTION_MASK:
      slot.masked = true;
      break;
    case VFIO_IRQ_SET_ACTION_UNMASK:
      slot.masked = false;
      break;
    default:
      (void)signal(slot);  // a client that tests its own wiring; without an eventfd there is nobody to tell
      break;
  }
}

void Interrupts::disable(std::uint32_t index) {
  for (unsigned i = 0; i < count(index); ++i) {
    slots(index)[i] = Slot{};
  }
  if (index == VFIO_PCI_INTX_IRQ_INDEX) {
    intx_unmask_.reset();
  }
}

void Interrupts::on_intx_unmask_event() {
  // The client may share the eventfd and have read it already.
  if (take_events(intx_unmask_.get())) {
    intx_[0].masked = false;
    deliver();
  }
}

void Interrupts::disconnect() {
  for (std::uint32_t index = 0; index < VFIO_PCI_NUM_IRQS; ++index) {
    disable(index);
  }
}

}  // namespace prd32
