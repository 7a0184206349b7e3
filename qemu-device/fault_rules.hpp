// SPDX-License-Identifier: Apache-2.0
// The tester's rules: which of the card's transactions go wrong, and how. Pure: no SystemC, no sockets, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prd32 {

/// What goes wrong. docs/faults.md says what each does.
enum class FaultKind : std::uint8_t {
  kAbort,
  kStall,
  kDrop,
  kDuplicate,
  kLate,
  kSpurious,
  kShort,
  kWriteAfterAbort,
  kAllOnes,
  kRemoval,
};

/// What a transaction is.
enum class TransactionKind : std::uint8_t {
  kRegisterRead,
  kRegisterWrite,
  kDmaRead,
  kDmaWrite,
  kTableFetch,
  kWriteback,
  kCommand,
  kInterrupt,
};

/// What a stall outlasts; each includes the ones before it.
enum class Survives : std::uint8_t { kNothing, kStop, kChannelReset, kFunctionReset };

/// A set of transaction kinds.
class TransactionKinds {
 public:
  constexpr TransactionKinds() = default;
  template <typename... Kind>
  constexpr explicit TransactionKinds(Kind... kind) : bits_((0U | ... | bit(kind))) {}

  constexpr void add(TransactionKind kind) { bits_ |= bit(kind); }
  [[nodiscard]] constexpr bool has(TransactionKind kind) const { return (bits_ & bit(kind)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  /// Whether all of these are in the other set.
  [[nodiscard]] constexpr bool within(TransactionKinds other) const { return (bits_ & ~other.bits_) == 0; }
  [[nodiscard]] constexpr bool meets(TransactionKinds other) const { return (bits_ & other.bits_) != 0; }

 private:
  static constexpr unsigned bit(TransactionKind kind) { return 1U << static_cast<unsigned>(kind); }
  unsigned bits_ = 0;
};

inline constexpr TransactionKinds kDmaKinds(TransactionKind::kDmaRead, TransactionKind::kDmaWrite,
                                            TransactionKind::kTableFetch, TransactionKind::kWriteback,
                                            TransactionKind::kCommand);
inline constexpr TransactionKinds kDataKinds(TransactionKind::kDmaRead, TransactionKind::kDmaWrite);
inline constexpr TransactionKinds kWithoutDescriptor(TransactionKind::kWriteback, TransactionKind::kCommand);
inline constexpr TransactionKinds kRegisterKinds(TransactionKind::kRegisterRead, TransactionKind::kRegisterWrite);
inline constexpr TransactionKinds kInterruptKinds(TransactionKind::kInterrupt);

/// The names that the control socket and the records use.
[[nodiscard]] std::string_view name_of(FaultKind kind);
[[nodiscard]] std::string_view name_of(TransactionKind kind);
[[nodiscard]] std::string_view name_of(Survives survives);
[[nodiscard]] std::optional<FaultKind> fault_named(std::string_view name);
[[nodiscard]] std::optional<TransactionKind> transaction_named(std::string_view name);
[[nodiscard]] std::optional<Survives> survives_named(std::string_view name);

/// One transaction, as far as rules look at it. -1 stands for what it does not have.
struct Transaction {
  TransactionKind kind = TransactionKind::kRegisterRead;
  int channel = -1;
  int vector = -1;
  std::int64_t prd_index = -1;  ///< the first, of a burst of descriptors
  std::int64_t prd_last = -1;   ///< the last of it
  std::uint64_t address = 0;    ///< of DMA: on the bus; of registers: in the card's address space
  std::uint64_t bytes = 0;
};

/// What a tester asks for. The defaults are what is not said.
struct FaultRule {
  FaultKind fault = FaultKind::kAbort;
  TransactionKinds on{};
  std::optional<unsigned> channel{};
  std::optional<unsigned> vector{};
  std::optional<std::uint64_t> prd_index{};
  std::optional<std::pair<std::uint64_t, std::uint64_t>> addresses{};  ///< first and last; touching them is enough
  std::uint64_t after = 0;              ///< matching transactions that are let pass first
  std::uint64_t count = 1;              ///< the most times that it fires; 0: no end
  std::uint64_t every = 1;              ///< of the matching ones behind `after`, one of so many: the first, and so on
  std::optional<double> probability{};  ///< and of those, each with this chance; above 0, at most 1
  std::uint64_t seed = 0;               ///< of the chances
  std::optional<std::uint64_t> for_ms{};
  std::uint64_t delay_ms = 0;
  std::uint64_t bytes = 0;
  unsigned interrupt = 0;
  Survives survives = Survives::kNothing;

  [[nodiscard]] bool matches(const Transaction& transaction) const;
};

/// Why there can be no such rule; nothing when there can. `channels` and `vectors`: how many the card has.
[[nodiscard]] std::optional<std::string> refusal(const FaultRule& rule, unsigned channels, unsigned vectors);

/// Whether a fault of this kind lets the transaction pass, and the rules behind it be asked, too.
[[nodiscard]] bool only_watches(FaultKind kind);

/// All rules, numbered from 1 in the order in which they came; no number comes twice.
class FaultRules {
 public:
  static constexpr std::size_t kMost = 256;

  struct Entry {
    unsigned number = 0;
    FaultRule rule;
    std::uint64_t matched = 0;
    std::uint64_t fired = 0;
    std::mt19937_64 chance;
  };
  /// A rule that fires now. A copy: the rules may change before the fault has ended.
  struct Firing {
    unsigned number = 0;
    FaultRule rule;
  };

  /// The number of the new rule; none when there are kMost.
  std::optional<unsigned> add(const FaultRule& rule);
  /// False when there is no such rule.
  bool remove(unsigned number);
  void clear() { entries_.clear(); }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  /// Whether a rule looks at such transactions. Those of kShort do not count: see decide_short().
  [[nodiscard]] bool look_at(TransactionKinds kinds) const;
  /// Whether there is a rule of kShort.
  [[nodiscard]] bool shorten() const;

  /// Which rules fire for a transaction, in the order of their numbers. The first that does more than to watch has it,
  /// and rules behind that one are not asked.
  [[nodiscard]] std::vector<Firing> decide(const Transaction& transaction);
  /// The rule of kShort that fires for a descriptor that is about to be moved.
  [[nodiscard]] std::optional<Firing> decide_short(const Transaction& descriptor);

 private:
  static bool fires(Entry& entry, const Transaction& transaction);

  std::vector<Entry> entries_;
  unsigned last_number_ = 0;
};

}  // namespace prd32
