// Precompiled for every test binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pch.h"
