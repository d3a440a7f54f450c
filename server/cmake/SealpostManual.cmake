# SPDX-License-Identifier: Apache-2.0
# Manual pages and completions: templates of server/manual/, filled in from the tables of options
# and commands by a tool of the build.  SOURCE_DATE_EPOCH is the day that they bear, where it is set.
string(TIMESTAMP sealpost_date "%Y-%m-%d" UTC)
set(manual_folder ${PROJECT_BINARY_DIR}/generated/manual)
file(MAKE_DIRECTORY ${manual_folder})
add_executable(sealpost_manual server/manual/main.c)
target_link_libraries(sealpost_manual PRIVATE manual)

set(manual_files "")
# sealpost_manual_file(NAME DESTINATION INSTALLED): made from server/manual/NAME.in
function(sealpost_manual_file name destination installed)
  set(template ${PROJECT_SOURCE_DIR}/server/manual/${name}.in)
  set(made ${manual_folder}/${name})
  add_custom_command(OUTPUT ${made}
    COMMAND sealpost_manual ${sealpost_date} ${CMAKE_INSTALL_FULL_SYSCONFDIR}/sealpost/sealpost.conf
            ${template} > ${made}
    DEPENDS sealpost_manual ${template} VERBATIM)
  if(destination MATCHES "^${CMAKE_INSTALL_MANDIR}")
    add_custom_command(OUTPUT ${made}.gz COMMAND gzip -9nc ${made} > ${made}.gz DEPENDS ${made} VERBATIM)
    set(made ${made}.gz)
  endif()
  install(FILES ${made} DESTINATION ${destination} RENAME ${installed})
  set(manual_files ${manual_files} ${made} PARENT_SCOPE)
endfunction()
sealpost_manual_file(sealpostd.8 ${CMAKE_INSTALL_MANDIR}/man8 sealpostd.8.gz)
sealpost_manual_file(sealpost.1 ${CMAKE_INSTALL_MANDIR}/man1 sealpost.1.gz)
sealpost_manual_file(sealpost.conf.5 ${CMAKE_INSTALL_MANDIR}/man5 sealpost.conf.5.gz)
foreach(program sealpost sealpostd)
  sealpost_manual_file(${program}.bash ${CMAKE_INSTALL_DATADIR}/bash-completion/completions ${program})
  sealpost_manual_file(_${program} ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions _${program})
  sealpost_manual_file(${program}.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d ${program}.fish)
endforeach()
add_custom_target(manuals ALL DEPENDS ${manual_files})
