# SPDX-License-Identifier: MIT
# make install DESTDIR= PREFIX=: tools and manual pages under PREFIX; the hypervisor, its GRUB menu and the systemd unit at their fixed
# places. make uninstall takes away exactly these files.

XENSTORE_TOOLS = read write ls list rm exists chmod watch control
SBIN_PROGRAMS  = bonsai-xenstored bonsai-consoled bonsai-blkd bonsai-no-dm bonsai-xapid
MAN_PAGES      = $(wildcard docs/man/*.1 docs/man/*.5 docs/man/*.8)
D              = $(DESTDIR)$(PREFIX)

# $(call drop_empty,ROOT,FOLDERS): those of FOLDERS (below ROOT), and their parents below ROOT, that are empty now. Not used
# on folders that a system has anyway.
drop_empty = [ ! -d $(1) ] || (cd $(1) && for f in $(2); do [ ! -d $$f ] || rmdir -p --ignore-fail-on-non-empty $$f; done)

install: all
	install -d $(D)/bin $(D)/sbin $(DESTDIR)/boot $(DESTDIR)/etc/grub.d $(DESTDIR)/lib/systemd/system
	install -m 755 $(B)/bin/xl $(B)/bin/xenstore $(D)/bin/
	for t in $(XENSTORE_TOOLS); do ln -sf xenstore $(D)/bin/xenstore-$$t; done
	install -m 755 $(addprefix $(B)/sbin/,$(SBIN_PROGRAMS)) dom0-tools/services/bonsai-services $(D)/sbin/
	install -m 644 $(B)/bonsai $(DESTDIR)/boot/bonsai
	install -m 644 $(B)/bonsai.syms $(DESTDIR)/boot/bonsai.syms
	install -m 755 dom0-tools/services/21_bonsai $(DESTDIR)/etc/grub.d/21_bonsai
	sed 's|@PREFIX@|$(PREFIX)|g' dom0-tools/services/bonsai.service > $(DESTDIR)/lib/systemd/system/bonsai.service
	for m in $(MAN_PAGES); do install -D -m 644 $$m $(D)/share/man/man$${m##*.}/$${m##*/}; done

uninstall:
	rm -f $(D)/bin/xl $(D)/bin/xenstore $(addprefix $(D)/bin/xenstore-,$(XENSTORE_TOOLS))
	rm -f $(addprefix $(D)/sbin/,$(SBIN_PROGRAMS) bonsai-services)
	rm -f $(DESTDIR)/boot/bonsai $(DESTDIR)/boot/bonsai.syms $(DESTDIR)/etc/grub.d/21_bonsai
	rm -f $(DESTDIR)/lib/systemd/system/bonsai.service
	rm -f $(foreach m,$(MAN_PAGES),$(D)/share/man/man$(lastword $(subst ., ,$(m)))/$(notdir $(m)))
	$(if $(DESTDIR)$(filter-out /usr /usr/local,$(PREFIX)),$(call drop_empty,$(D),bin sbin $(addprefix share/man/man,1 5 8)))
	$(if $(DESTDIR),$(call drop_empty,$(DESTDIR),boot etc/grub.d lib/systemd/system $(PREFIX:/%=%)))
	$(if $(DESTDIR),,$(if $(filter-out /usr /usr/local,$(PREFIX)),[ ! -d $(PREFIX) ] || rmdir --ignore-fail-on-non-empty $(PREFIX)))

.PHONY: install uninstall
