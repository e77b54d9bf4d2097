package dev.fusedio.gateway.web;

import dev.fusedio.gateway.config.GatewayProperties;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.core.type.AnnotatedTypeMetadata;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;

/** The limits on clients of a management port of its own, whose server asks its own context only. */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
@Conditional(ManagementClientLimits.InChildContext.class)
final class ManagementClientLimits {
    @Bean
    ClientLimits managementClientLimits(
            final GatewayProperties properties, final RefusedTargets refused, final MeterRegistry meters) {
        return new ClientLimits(properties.http(), refused, meters, "management");
    }

    /** False where the scan of the application's own context, which may have a parent without a web, finds the class. */
    static final class InChildContext implements Condition {
        @Override
        public boolean matches(final ConditionContext context, final AnnotatedTypeMetadata metadata) {
            return context.getBeanFactory() != null
                    && context.getBeanFactory().getParentBeanFactory() != null
                    && context.getBeanFactory()
                            .getParentBeanFactory()
                            .containsBean(WebHttpHandlerBuilder.WEB_HANDLER_BEAN_NAME);
        }
    }
}
