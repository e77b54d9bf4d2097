package dev.fusedio.gateway.config;

import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What of this package is needed before the rest of the gateway is made. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(GatewayProperties.class)
@Import({ApplicationClock.class, ByteSizeConverter.class})
public class SettingBeans {}
