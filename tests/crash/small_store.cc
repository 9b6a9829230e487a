#include "small_store.h"

namespace clinicdb::crash {

using engine::StoreOptions;

StoreOptions small_store(Random& random) {
  StoreOptions options;
  options.block_cache_bytes = std::size_t{1} << 20;
  options.write_buffer_bytes = std::size_t{64} << (10 + random.below(3));
  options.result_cache_bytes = std::size_t{256} << 10;
  options.log_segment_bytes = std::size_t{256} << 10;
  options.replay_bytes_max = std::size_t{256} << 10;
  options.log_retained_bytes = std::size_t{128} << 10;
  options.disk_reserve_bytes = std::size_t{64} << 10;
  options.pipeline_depth = static_cast<int>(1 + random.below(2));
  return options;
}

}  // namespace clinicdb::crash
