package dev.fusedio.gateway.events;

import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What of this package runs before the rest of the gateway is made. */
@Configuration(proxyBeanMethods = false)
@Import({EventJournal.class, SessionEvents.class})
public class EventBeans {}
