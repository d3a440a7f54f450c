# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts beside the programs: the configuration, which is the operator's
# once it is there, and the systemd unit.  The unit names fixed paths, so build for them:
#   -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_SYSCONFDIR=/etc
set(sealpost_conf ${CMAKE_INSTALL_FULL_SYSCONFDIR}/sealpost)
install(CODE "
  set(conf \"\$ENV{DESTDIR}${sealpost_conf}/sealpost.conf\")
  if(EXISTS \"\${conf}\")
    message(STATUS \"Kept: \${conf}; the new defaults are in sealpost.conf.new beside it\")
    configure_file(\"${PROJECT_SOURCE_DIR}/deploy/sealpost.conf\" \"\${conf}.new\" COPYONLY)
  else()
    message(STATUS \"Installing: \${conf}\")
    configure_file(\"${PROJECT_SOURCE_DIR}/deploy/sealpost.conf\" \"\${conf}\" COPYONLY)
  endif()")
install(FILES deploy/sealpostd.service DESTINATION lib/systemd/system)
