// How far something long has come, for whoever waits at the terminal.
#pragma once

namespace spyhop {

/// A bar on a terminal, a line per tenth in a log. share: 0 to 1, of weights that are loaded.
void show_progress(double share);

}  // namespace spyhop
