# SPDX-License-Identifier: MIT
# The hypervisor's core on the pretend machine: unit tests under ASan and UBSan. Other rooms' tests
# use HV_HOST_CFLAGS, the build/host/%.o rule and HV_HOST_MM_OBJS in the same way.
B ?= build

HV_HOST_CFLAGS = -std=gnu17 -O1 -g -Wall -Wextra -Werror -Wshadow -Wconversion -Wno-sign-conversion \
                 -Wmissing-prototypes -Wundef -Wvla -fno-strict-aliasing -D__XEN__ \
                 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
                 -Itests/host/pretend -Ihypervisor -Iguest-abi/include -include lib/lib.h $(HV_HOST_EXTRA) -MMD -MP
HV_HOST_LDFLAGS = -fsanitize=address,undefined -lcmocka -lpthread

HV_HOST_MM_OBJS = $(addprefix $(B)/host/,tests/host/pretend/pretend.o \
    hypervisor/mm/page_alloc.o hypervisor/mm/hv_alloc.o hypervisor/mm/frame.o hypervisor/mm/frame_domain.o hypervisor/mm/pt_check.o \
    hypervisor/mm/pt_walk.o hypervisor/mm/baseptr.o hypervisor/mm/mmu_update.o hypervisor/mm/mmuext.o hypervisor/mm/ptwr.o \
    hypervisor/mm/tlb.o hypervisor/mm/memory.o hypervisor/mm/memory_maps.o hypervisor/mm/memory_exchange.o \
    hypervisor/mm/guest_copy.o)

$(B)/host/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HV_HOST_CFLAGS) -c -o $@ $<

HV_MM_TESTS = $(addprefix $(B)/tests/host/,hv_mm_alloc hv_mm_frame hv_mm_pt hv_mm_memory hv_mm_ptwr hv_mm_fuzz)
$(HV_MM_TESTS): $(B)/tests/host/%: $(B)/host/tests/host/%.o $(HV_HOST_MM_OBJS)
	@mkdir -p $(@D)
	$(CC) -o $@ $^ $(HV_HOST_LDFLAGS)

# The same programs under libFuzzer: make fuzz-mm FUZZ_SECONDS=600
FUZZ_SECONDS ?= 60
$(B)/tests/fuzz/hv_mm: tests/host/hv_mm_fuzz.c $(HV_HOST_MM_OBJS)
	@mkdir -p $(@D)
	clang $(filter-out -Werror -MMD -MP -Wconversion,$(HV_HOST_CFLAGS)) -Wno-unused-function \
	    -DWITH_LIBFUZZER -fsanitize=fuzzer -o $@ $< \
	    $(patsubst $(B)/host/%.o,%.c,$(HV_HOST_MM_OBJS)) -lcmocka -lpthread
fuzz-mm: $(B)/tests/fuzz/hv_mm
	@mkdir -p $(B)/tests/fuzz/hv_mm.corpus
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=800 -artifact_prefix=$(B)/tests/fuzz/ \
	    $(B)/tests/fuzz/hv_mm.corpus
.PHONY: fuzz-mm

-include $(shell find $(B)/host -name '*.d' 2>/dev/null)
