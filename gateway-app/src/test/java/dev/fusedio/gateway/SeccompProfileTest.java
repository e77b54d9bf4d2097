package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * The shipped profile is in the runtime's own form. Keys of Docker's form (conditions by capability) would be ignored
 * by Kubernetes, and their rules would hold always.
 */
class SeccompProfileTest {
    private static final Set<String> KEYS = Set.of("defaultAction", "defaultErrnoRet", "architectures", "syscalls");
    private static final Set<String> RULE_KEYS = Set.of("names", "action", "errnoRet", "args");
    private static final Set<String> ARGUMENT_KEYS = Set.of("index", "value", "valueTwo", "op");

    private final JsonNode profile = SeccompProfile.shipped();

    @Test
    void hasNoKeyThatTheRuntimeDoesNotKnow() {
        assertThat(KEYS).containsAll(profile.propertyNames());
        for (final JsonNode rule : profile.get("syscalls")) {
            assertThat(RULE_KEYS).containsAll(rule.propertyNames());
            for (final JsonNode argument : rule.path("args")) {
                assertThat(ARGUMENT_KEYS).containsExactlyInAnyOrderElementsOf(argument.propertyNames());
            }
        }
    }

    @Test
    void refusesWhatItDoesNotName() {
        assertThat(profile.get("defaultAction").asString()).isEqualTo("SCMP_ACT_ERRNO");
        assertThat(profile.get("defaultErrnoRet").asInt()).isEqualTo(38);
    }

    @Test
    void allowsIoUringAndNothingThatLeavesTheContainer() {
        final List<String> allowed = allowedAlways();
        assertThat(allowed).contains("io_uring_setup", "io_uring_enter", "io_uring_register");
        assertThat(allowed).doesNotHaveDuplicates();
        assertThat(allowed)
                .doesNotContain(
                        "mount",
                        "umount2",
                        "pivot_root",
                        "setns",
                        "unshare",
                        "clone",
                        "clone3",
                        "bpf",
                        "ptrace",
                        "process_vm_readv",
                        "process_vm_writev",
                        "perf_event_open",
                        "init_module",
                        "finit_module",
                        "kexec_load",
                        "keyctl",
                        "add_key",
                        "request_key",
                        "userfaultfd",
                        "open_by_handle_at",
                        "socket",
                        "reboot",
                        "settimeofday",
                        "swapon",
                        "mknod",
                        "chroot",
                        "acct",
                        "quotactl",
                        "personality");
    }

    private List<String> allowedAlways() {
        final List<String> names = new ArrayList<>();
        for (final JsonNode rule : profile.get("syscalls")) {
            if (rule.get("action").asString().equals("SCMP_ACT_ALLOW") && !rule.has("args")) {
                rule.get("names").forEach(name -> names.add(name.asString()));
            }
        }
        return names;
    }
}
