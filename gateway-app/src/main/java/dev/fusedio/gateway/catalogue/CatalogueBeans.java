package dev.fusedio.gateway.catalogue;

import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What of this package runs before the rest of the gateway is made. */
@Configuration(proxyBeanMethods = false)
@Import({Catalogue.class, CatalogueExports.class})
public class CatalogueBeans {}
