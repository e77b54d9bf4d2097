package dev.fusedio.gateway.engine;

import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What of this package runs before the rest of the gateway is made. */
@Configuration(proxyBeanMethods = false)
@Import({CoreDataPlane.class, NbdFrontEnd.class, NbdLifecycle.class})
public class EngineBeans {}
