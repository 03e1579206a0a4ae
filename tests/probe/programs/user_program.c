/* The C interface from C11. Exits with the number of the line where something was not as it should. */

#include <heapfloor/probe.h>

#define CHECK(condition) \
  do {                   \
    if (!(condition)) return __LINE__ % 256; \
  } while (0)

int main(void) {
  heapfloor_handle pool = heapfloor_gauge_open("connection_pool");
  struct heapfloor_instance* record = heapfloor_instance_of(pool);
  CHECK(record != 0);
  heapfloor_gauge_set(pool, 10, 1000);
  heapfloor_gauge_add(pool, -4, -400);
  CHECK(record->elements == 6 && record->bytes == 600);
  CHECK(record->insertions == 10 && record->removals == 4);
  heapfloor_gauge_cleared(pool);
  CHECK(record->clears == 1);
  struct heapfloor_labels before = heapfloor_phase_begin("connection_pool", "connect");
  CHECK(heapfloor_label.structure_name_index != 0 && heapfloor_label.phase_name_index != 0);
  heapfloor_phase_end(before);
  CHECK(heapfloor_label.structure_name_index == 0);
  heapfloor_gauge_close(pool);
  CHECK(heapfloor_instance_alive(pool) == 0);
  (heapfloor_gauge_open)("without a place");
  CHECK(heapfloor_probe_version() != 0);
  CHECK(sizeof(struct heapfloor_header) == HEAPFLOOR_HEADER_BYTES);
  return 0;
}
