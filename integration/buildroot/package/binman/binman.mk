################################################################################
#
# binman
#
################################################################################

# The clone that this directory lies in, at the commit that is checked out.
BINMAN_SITE = $(realpath $(BR2_EXTERNAL_BINMAN_PATH)/../..)
BINMAN_SITE_METHOD = git
BINMAN_VERSION = $(shell git -C $(BINMAN_SITE) rev-parse HEAD)
BINMAN_LICENSE = GPL-2.0-or-later
BINMAN_LICENSE_FILES = LICENSE
BR_NO_CHECK_HASH_FOR += $(BINMAN_SOURCE)

HOST_BINMAN_GOMOD = binman
HOST_BINMAN_BUILD_TARGETS = cmd/binman
HOST_BINMAN_GO_ENV = CGO_ENABLED=0
HOST_BINMAN_LDFLAGS = -X binman/internal/cli.release=$(BINMAN_VERSION)

$(eval $(host-golang-package))
