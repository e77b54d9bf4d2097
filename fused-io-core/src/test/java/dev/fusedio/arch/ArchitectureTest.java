package dev.fusedio.arch;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.conditions.ArchPredicates.are;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noCodeUnits;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import dev.fusedio.sys.Clock;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The core's shape: who may know whom, and what is kept out of it. */
class ArchitectureTest {
    /** Lowest first. */
    private static final List<String> LAYERS =
            List.of("sys", "ring", "loop", "fused", "net", "volume", "nbd", "backend", "ublk", "cli");

    private static JavaClasses core;

    @BeforeAll
    static void read() {
        core = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages(
                        LAYERS.stream().map(name -> "dev.fusedio." + name).toArray(String[]::new));
        assertThat(core).hasSizeGreaterThan(40);
    }

    private static void check(final ArchRule rule) {
        rule.check(core);
    }

    @Test
    void lowerPackagesKnowNothingOfHigherOnes() {
        var layers = layeredArchitecture().consideringOnlyDependenciesInLayers().withOptionalLayers(true);
        for (final String name : LAYERS) {
            layers = layers.layer(name).definedBy("dev.fusedio." + name + "..");
        }
        for (int i = 0; i < LAYERS.size(); i++) {
            final List<String> higher = new ArrayList<>(LAYERS.subList(i + 1, LAYERS.size()));
            layers = higher.isEmpty()
                    ? layers.whereLayer(LAYERS.get(i)).mayNotBeAccessedByAnyLayer()
                    : layers.whereLayer(LAYERS.get(i)).mayOnlyBeAccessedByLayers(higher.toArray(String[]::new));
        }
        check(layers);
    }

    @Test
    void serverAndClientShareNothingButTheWire() {
        check(noClasses()
                .that()
                .resideInAPackage("dev.fusedio.nbd.wire..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.fusedio.nbd.server..", "dev.fusedio.nbd.client.."));
        check(noClasses()
                .that()
                .resideInAPackage("dev.fusedio.nbd.server..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.fusedio.nbd.client.."));
        check(noClasses()
                .that()
                .resideInAnyPackage("dev.fusedio.nbd.client..", "dev.fusedio.backend.remote..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.fusedio.nbd.server.."));
    }

    @Test
    void everyClassOfTheCoreIsInAKnownLayer() {
        final TreeSet<String> others = new TreeSet<>();
        for (final JavaClass type : new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("dev.fusedio")) {
            final String name = type.getPackageName().replaceFirst("^dev\\.fusedio\\.?", "");
            if (!LAYERS.contains(name.replaceFirst("\\..*", ""))) {
                others.add(type.getPackageName());
            }
        }
        assertThat(others).isEmpty();
    }

    @Test
    void onlySysCallsForeignFunctions() {
        check(noClasses()
                .that()
                .resideOutsideOfPackage("dev.fusedio.sys..")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.foreign.Linker")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.lang.foreign.SymbolLookup"));
    }

    @Test
    void isPlainJava() {
        check(noClasses()
                .should()
                .dependOnClassesThat(are(resideInAnyPackage(
                        "org.springframework..",
                        "io.netty..",
                        "reactor..",
                        "org.reactivestreams..",
                        "io.micrometer..",
                        "sun..",
                        "com.sun..",
                        "jdk.internal..",
                        "org.slf4j..",
                        "dev.fusedio.gateway.."))));
    }

    @Test
    void timeComesFromTheClock() {
        check(noClasses()
                .that()
                .areNotAssignableTo(Clock.class)
                .should()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .because("simulated runs have their own time"));
        check(noClasses()
                .that()
                .resideOutsideOfPackages("dev.fusedio.nbd..", "dev.fusedio.ublk..", "dev.fusedio.cli..")
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(Instant.class, java.time.Clock.class)
                .because("the time of day is for reports on sessions, and decides nothing"));
    }

    @Test
    void chanceComesFromASeed() {
        check(noClasses()
                .should()
                .callMethod(Math.class, "random")
                .orShould()
                .callConstructor(Random.class)
                .orShould()
                .callConstructor(SplittableRandom.class)
                .orShould()
                .dependOnClassesThat()
                .belongToAnyOf(ThreadLocalRandom.class, SecureRandom.class));
    }

    @Test
    void nobodySleeps() {
        check(noClasses()
                .should()
                .callMethod(Thread.class, "sleep", long.class)
                .orShould()
                .callMethod(Thread.class, "sleep", Duration.class)
                .orShould()
                .callMethod(TimeUnit.class, "sleep", long.class)
                .because("a loop waits in io_uring_enter and nowhere else"));
    }

    @Test
    void theHotPathTakesNoLock() {
        check(noMethods()
                .that()
                .areDeclaredInClassesThat()
                .resideInAnyPackage("dev.fusedio.ring..", "dev.fusedio.fused..")
                .should()
                .haveModifier(JavaModifier.SYNCHRONIZED));
        check(noClasses()
                .that()
                .resideInAnyPackage("dev.fusedio.ring..", "dev.fusedio.fused..")
                .should()
                .dependOnClassesThat()
                .areAssignableTo(Lock.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(CompletableFuture.class)
                .orShould()
                .dependOnClassesThat()
                .resideInAnyPackage("java.util.stream..", "java.util.logging.."));
    }

    @Test
    void finalizersAndExitsAreNotUsed() {
        check(noClasses()
                .that()
                .resideOutsideOfPackage("dev.fusedio.cli..")
                .should()
                .callMethod(System.class, "exit", int.class)
                .orShould()
                .callMethod(Runtime.class, "halt", int.class));
        check(noCodeUnits().should().haveName("finalize"));
    }

    @Test
    void printingIsForTheCommandLine() {
        check(noClasses()
                .that()
                .resideOutsideOfPackage("dev.fusedio.cli..")
                .should()
                .accessField(System.class, "out")
                .orShould()
                .accessField(System.class, "err"));
    }

    @Test
    void everyPackageIsNullMarked() {
        final TreeSet<String> unmarked = new TreeSet<>();
        for (final JavaClass type : core) {
            final JavaPackage its = type.getPackage();
            if (!its.isAnnotatedWith(NullMarked.class)) {
                unmarked.add(its.getName());
            }
        }
        assertThat(unmarked).isEmpty();
    }

    @Test
    void namesSayWhatAThingIs() {
        check(classes()
                .should()
                .haveNameNotMatching(".*(Impl|Utils?|Manager|Helpers?|Misc)(\\$.*)?")
                .because("names are the field's own terms"));
    }
}
