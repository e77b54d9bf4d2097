package dev.fusedio.gateway;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.context.SmartLifecycle;
import org.springframework.modulith.core.ApplicationModules;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The boundaries that are not to be crossed. */
class ArchitectureTest {
    private static final JavaClasses GATEWAY = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.fusedio.gateway");

    private static final String[] CORE = {
        "dev.fusedio.sys..",
        "dev.fusedio.ring..",
        "dev.fusedio.loop..",
        "dev.fusedio.fused..",
        "dev.fusedio.volume..",
        "dev.fusedio.nbd..",
        "dev.fusedio.ublk..",
        "dev.fusedio.cli.."
    };

    @Test
    void modulesHaveNoCyclesAndKeepTheirOwn() {
        ApplicationModules.of(GatewayApplication.class).verify();
    }

    @Test
    void onlyTheEngineSeesTheCore() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.fusedio.gateway.engine")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(CORE)
                .check(GATEWAY);
    }

    @Test
    void theEngineKnowsNothingOfHttpNorOfFiles() {
        noClasses()
                .that()
                .resideInAPackage("dev.fusedio.gateway.engine")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "org.springframework.web..",
                        "org.springframework.http..",
                        "io.micrometer..",
                        "java.nio.channels..")
                .check(GATEWAY);
    }

    @Test
    void onlyTheCatalogueTouchesFilesAndSecretsAndTheAuditLogLieInTheirOwn() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.fusedio.gateway.catalogue", "dev.fusedio.gateway.security", "dev.fusedio.gateway.audit")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.nio.file.Files")
                .orShould()
                .dependOnClassesThat()
                .resideInAnyPackage("java.nio.channels")
                .check(GATEWAY);
    }

    @Test
    void theConsoleUsesThePublicApiOnly() {
        classes()
                .that()
                .resideInAPackage("dev.fusedio.gateway.console")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "dev.fusedio.gateway.console",
                        "java..",
                        "org.springframework..",
                        "reactor.core..",
                        "org.jspecify..")
                .check(GATEWAY);
    }

    @Test
    void nobodyDependsOnThoseWhoOnlyLook() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.fusedio.gateway.statistics", "dev.fusedio.gateway.metrics")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.fusedio.gateway.statistics", "dev.fusedio.gateway.metrics")
                .check(GATEWAY);
    }

    @Test
    void nothingWaitsButStartAndStop() {
        noClasses()
                .that()
                .areNotAssignableTo(SmartLifecycle.class)
                .should()
                .callMethodWhere(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                                com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner(
                                        com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf(
                                                Mono.class, Flux.class)))
                        .and(com.tngtech.archunit.core.domain.JavaCall.Predicates.target(
                                com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching(
                                        "block.*|toIterable|toStream"))))
                .orShould()
                .callMethod(Thread.class, "sleep", long.class)
                .orShould()
                .callMethod(java.util.concurrent.CompletableFuture.class, "join")
                .orShould()
                .callMethod(java.util.concurrent.CompletableFuture.class, "get")
                .orShould()
                .callMethod(java.util.concurrent.CountDownLatch.class, "await")
                .check(GATEWAY);
    }

    @Test
    void everythingIsInjectedByConstructors() {
        noFields().should().beAnnotatedWith(Autowired.class).check(GATEWAY);
    }

    @Test
    void classesAreFinalUnlessSpringExtendsThem() {
        classes()
                .that()
                .areTopLevelClasses()
                .and()
                .areNotInterfaces()
                .and()
                .areNotAnnotatedWith(org.springframework.context.annotation.Configuration.class)
                .and()
                .areNotAnnotatedWith(org.springframework.boot.autoconfigure.SpringBootApplication.class)
                .and()
                .areNotAssignableTo(Throwable.class)
                .should()
                .haveModifier(com.tngtech.archunit.core.domain.JavaModifier.FINAL)
                .check(GATEWAY);
    }

    @Test
    void nettysOwnRingStaysOut() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.netty.channel.uring..")
                .check(GATEWAY);
        org.assertj.core.api.Assertions.assertThat(
                        getClass().getClassLoader().getResource("io/netty/channel/uring/IoUring.class"))
                .isNull();
    }
}
