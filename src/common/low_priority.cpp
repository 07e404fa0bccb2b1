#include "common/low_priority.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace spyhop {

void lower_thread_priority() {
  constexpr int kNice = 10;  // about a tenth of a core that others want too
  static_cast<void>(
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice));  // refused: it goes on as it was
}

}  // namespace spyhop
