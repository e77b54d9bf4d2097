package dev.fusedio.gateway.startup;

import dev.fusedio.gateway.catalogue.CatalogueBeans;
import dev.fusedio.gateway.config.SettingBeans;
import dev.fusedio.gateway.engine.EngineBeans;
import dev.fusedio.gateway.events.EventBeans;
import java.util.Arrays;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.context.TypeExcludeFilter;
import org.springframework.boot.context.event.ApplicationPreparedEvent;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.core.type.classreading.MetadataReader;
import org.springframework.core.type.classreading.MetadataReaderFactory;

/**
 * Starts the data plane, in a small context of its own, before the service's context is made: clients of NBD, who may be
 * waiting for a restart, don't wait for the web and what belongs to it. The service's context is its child, and stops first.
 */
public final class DataPlaneFirst implements ApplicationListener<ApplicationPreparedEvent> {
    @Override
    public void onApplicationEvent(final ApplicationPreparedEvent event) {
        final ConfigurableApplicationContext service = event.getApplicationContext();
        final AnnotationConfigApplicationContext dataPlane = new AnnotationConfigApplicationContext();
        dataPlane.setEnvironment(service.getEnvironment());
        dataPlane.register(SettingBeans.class, EventBeans.class, EngineBeans.class, CatalogueBeans.class);
        dataPlane.refresh();
        // Where the service's context fails before it runs, nothing in it stops what runs here.
        SpringApplication.getShutdownHandlers().add(dataPlane::close);
        service.setParent(dataPlane);
        final ConfigurableListableBeanFactory beans = service.getBeanFactory();
        beans.registerSingleton("dataPlaneStop", new DataPlaneStop(dataPlane));
        beans.registerSingleton("runningAlready", new RunningAlready(classes(dataPlane.getBeanFactory())));
    }

    private static Set<String> classes(final ConfigurableListableBeanFactory beans) {
        return Arrays.stream(beans.getBeanDefinitionNames())
                .map(name -> beans.getBeanDefinition(name).getBeanClassName())
                .filter(Objects::nonNull)
                .collect(Collectors.toUnmodifiableSet());
    }

    /** Keeps the service's scan from making a second one of what the data plane's context has. */
    private static final class RunningAlready extends TypeExcludeFilter {
        private final Set<String> classes;

        private RunningAlready(final Set<String> classes) {
            this.classes = classes;
        }

        @Override
        public boolean match(final MetadataReader reader, final MetadataReaderFactory factory) {
            return classes.contains(reader.getClassMetadata().getClassName());
        }

        @Override
        public boolean equals(final @Nullable Object other) {
            return other instanceof RunningAlready that && classes.equals(that.classes);
        }

        @Override
        public int hashCode() {
            return classes.hashCode();
        }
    }
}
