package dev.fusedio.gateway.config;

import org.springframework.boot.context.properties.ConfigurationPropertiesBinding;
import org.springframework.core.convert.converter.Converter;
import org.springframework.stereotype.Component;

/** Lets settings be written as {@code 256KiB}. */
@Component
@ConfigurationPropertiesBinding
final class ByteSizeConverter implements Converter<String, ByteSize> {
    @Override
    public ByteSize convert(final String source) {
        return ByteSize.parse(source);
    }
}
