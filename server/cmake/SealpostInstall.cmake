# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts beside the programs: the configuration, which is the operator's
# once it is there, the folder for more of it, and the systemd unit, which names the places of both.  deploy/ has it as
# it is for -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_SYSCONFDIR=/etc.
set(sealpost_conf ${CMAKE_INSTALL_FULL_SYSCONFDIR}/sealpost)
install(CODE "
  set(conf \"\$ENV{DESTDIR}${sealpost_conf}/sealpost.conf\")
  if(EXISTS \"\${conf}\")
    message(STATUS \"Kept: \${conf}; the new defaults are in sealpost.conf.new beside it\")
    configure_file(\"${PROJECT_SOURCE_DIR}/deploy/sealpost.conf\" \"\${conf}.new\" COPYONLY)
  else()
    message(STATUS \"Installing: \${conf}\")
    configure_file(\"${PROJECT_SOURCE_DIR}/deploy/sealpost.conf\" \"\${conf}\" COPYONLY)
  endif()" COMPONENT config) # the Debian package has one of its own
# Empty; what lies in it is read after sealpost.conf.
install(DIRECTORY DESTINATION ${sealpost_conf}/conf.d DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
foreach(unit sealpostd.service sealpostd.reload.conf)
  file(READ deploy/${unit} text)
  string(REPLACE "/usr/sbin/" "${CMAKE_INSTALL_FULL_SBINDIR}/" text "${text}")
  string(REPLACE "/etc/sealpost/" "${sealpost_conf}/" text "${text}")
  file(CONFIGURE OUTPUT generated/${unit} CONTENT "${text}" @ONLY)
endforeach()
install(FILES "${PROJECT_BINARY_DIR}/generated/sealpostd.service" DESTINATION lib/systemd/system)
install(FILES deploy/sealpost.sysusers DESTINATION lib/sysusers.d RENAME sealpost.conf)
install(FILES deploy/sealpost.tmpfiles DESTINATION lib/tmpfiles.d RENAME sealpost.conf)
install(FILES deploy/sealpostd.socket DESTINATION lib/systemd/system)

# systemctl reload waits where systemd is 253 or later, as in Debian 13.
set(sealpost_release "")
if(EXISTS /etc/os-release)
  file(STRINGS /etc/os-release sealpost_release REGEX "^VERSION_ID=")
  string(REGEX REPLACE "[^0-9.]" "" sealpost_release "${sealpost_release}")
endif()
set(notify_reload OFF)
if(sealpost_release VERSION_GREATER_EQUAL 13)
  set(notify_reload ON)
endif()
option(SEALPOST_NOTIFY_RELOAD "Install what lets systemctl reload wait, with systemd 253 or later" ${notify_reload})
if(SEALPOST_NOTIFY_RELOAD)
  install(FILES "${PROJECT_BINARY_DIR}/generated/sealpostd.reload.conf" DESTINATION lib/systemd/system/sealpostd.service.d RENAME reload.conf)
endif()
