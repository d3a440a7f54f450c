# SPDX-License-Identifier: Apache-2.0
# Every warning and hardening flag, on the interface library that all rooms link.
add_library(sealpost_flags INTERFACE)
target_include_directories(sealpost_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_definitions(sealpost_flags INTERFACE _GNU_SOURCE SEALPOST_VERSION="${PROJECT_VERSION}"
  SEALPOST_CONFIG="/etc/sealpost/sealpost.conf")
target_compile_options(sealpost_flags INTERFACE
  -Wall -Wextra -Wpedantic
  -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wcast-align -Wpointer-arith -Wwrite-strings
  -Wundef -Wunused-macros -Wvla -Walloca -Wdate-time -Winit-self -Wnull-dereference
  -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations -Wold-style-definition
  -Wredundant-decls -Wnested-externs -Wimplicit-fallthrough
  -Wformat=2 -Wfloat-equal -Wdouble-promotion -Wframe-larger-than=16384
  $<$<C_COMPILER_ID:GNU>:-Wformat-signedness -Wformat-overflow=2 -Wformat-truncation=2
    -Wduplicated-cond -Wduplicated-branches -Wlogical-op -Wjump-misses-init -Wtrampolines
    -Warith-conversion -Warray-bounds=2 -Wshift-overflow=2 -Wstringop-overflow=4
    -Wcast-align=strict -Wunused-const-variable=2 -Walloc-zero -Wuse-after-free=3 -Wdangling-pointer=2>
  $<$<C_COMPILER_ID:Clang>:-Wcomma -Wconditional-uninitialized -Wunreachable-code-aggressive
    -Wmissing-variable-declarations -Wassign-enum -Wextra-semi-stmt -Wshift-sign-overflow
    -Wthread-safety -Wunused-const-variable>
  -fno-common -fno-omit-frame-pointer -fno-strict-aliasing
  $<$<BOOL:${SEALPOST_WERROR}>:-Werror>)

if(SEALPOST_SANITIZE)
  target_compile_definitions(sealpost_flags INTERFACE SEALPOST_SANITIZED)
  target_compile_options(sealpost_flags INTERFACE -fsanitize=${SEALPOST_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(sealpost_flags INTERFACE -fsanitize=${SEALPOST_SANITIZE})
else()
  target_compile_options(sealpost_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fno-strict-overflow -fno-delete-null-pointer-checks
    $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection=full>
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>
    $<$<AND:$<C_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-ftrivial-auto-var-init=zero>)
  target_link_options(sealpost_flags INTERFACE
    -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code -Wl,--as-needed)
endif()
if(SEALPOST_ANALYZE)
  target_compile_options(sealpost_flags INTERFACE $<$<C_COMPILER_ID:GNU>:-fanalyzer>)
endif()
if(SEALPOST_COVERAGE)
  target_compile_options(sealpost_flags INTERFACE --coverage -O0 -fprofile-update=atomic) # threads count, too
  target_link_options(sealpost_flags INTERFACE --coverage)
endif()
if(SEALPOST_BENCH)
  target_compile_definitions(sealpost_flags INTERFACE SEALPOST_BENCH)
endif()
if(SEALPOST_PLANT)
  string(TOUPPER "SEALPOST_PLANT_${SEALPOST_PLANT}" plant)
  string(REPLACE "-" "_" plant ${plant})
  target_compile_definitions(sealpost_flags INTERFACE ${plant})
endif()
