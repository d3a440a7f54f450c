# SPDX-License-Identifier: Apache-2.0
# Embed migrations/<engine>/NNNN_subject.sql in the binary: a generated C file with one table
# an engine, in order of number.  See server/store/migrate.h.
file(GLOB migration_files CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/migrations/sqlite/*.sql ${PROJECT_SOURCE_DIR}/migrations/postgres/*.sql)
set(migrations_c ${PROJECT_BINARY_DIR}/generated/migrations.c)
add_custom_command(OUTPUT ${migrations_c}
  COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DOUT=${migrations_c}
          -P ${PROJECT_SOURCE_DIR}/server/cmake/embed_migrations.cmake
  DEPENDS ${migration_files} ${PROJECT_SOURCE_DIR}/server/cmake/embed_migrations.cmake)
add_library(sealpost_migrations STATIC ${migrations_c})
target_link_libraries(sealpost_migrations PUBLIC sealpost_flags)
