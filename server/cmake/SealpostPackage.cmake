# SPDX-License-Identifier: Apache-2.0
# The Debian package: cpack -G DEB in a build for -DCMAKE_INSTALL_PREFIX=/usr
# -DCMAKE_INSTALL_SYSCONFDIR=/etc.  Its configuration is a conffile with a base URL that works on
# the machine itself, so that the relay starts as it is.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr" OR NOT CMAKE_INSTALL_FULL_SYSCONFDIR STREQUAL "/etc")
  return()
endif()
set(SEALPOST_MAINTAINER "Sealpost <sealpost@relay.example>" CACHE STRING "Who makes the Debian package: Name <address>")

set(debian ${PROJECT_BINARY_DIR}/generated/debian)
file(READ deploy/sealpost.conf conf)
string(REPLACE "#base_url = \"\"\n" "# This one is good for trying out on this machine alone.\nbase_url = \"http://127.0.0.1:8080\"\n"
  with_url "${conf}")
if(with_url STREQUAL conf)
  message(FATAL_ERROR "deploy/sealpost.conf has no line #base_url = \"\" any more")
endif()
file(CONFIGURE OUTPUT ${debian}/sealpost.conf CONTENT "${with_url}" @ONLY)
string(TIMESTAMP changed "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT ${debian}/changelog @ONLY CONTENT "sealpost (${PROJECT_VERSION}) unstable; urgency=medium

  * See CHANGELOG.md beside this file.

 -- ${SEALPOST_MAINTAINER}  ${changed}
")
add_custom_command(OUTPUT ${debian}/changelog.gz
  COMMAND gzip -9nc ${debian}/changelog > ${debian}/changelog.gz DEPENDS ${debian}/changelog VERBATIM)
add_custom_target(debian_changelog ALL DEPENDS ${debian}/changelog.gz)

set(doc ${CMAKE_INSTALL_DATADIR}/doc/sealpost)
set(alone COMPONENT debian EXCLUDE_FROM_ALL) # of the package alone
install(FILES ${debian}/sealpost.conf DESTINATION /etc/sealpost ${alone})
install(FILES ${debian}/changelog.gz deploy/debian/copyright deploy/README.md deploy/CHANGELOG.md DESTINATION ${doc} ${alone})

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON) # for what has an absolute path
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};sealpost;Unspecified;/;${PROJECT_BINARY_DIR};sealpost;debian;/")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME sealpost)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${SEALPOST_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "relay for end-to-end encrypted messages")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Takes sealed envelopes from devices and keeps each one until the device
that it is for has acknowledged it.  It cannot read what is in them.
.
In it are the relay, the operator's command and a reference device.")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "passwd")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/deploy/debian/postinst
  ${PROJECT_SOURCE_DIR}/deploy/debian/prerm ${PROJECT_SOURCE_DIR}/deploy/debian/postrm
  ${PROJECT_SOURCE_DIR}/deploy/debian/conffiles)
include(CPack)
