#include "spyhop/error.h"
