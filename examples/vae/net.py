"""A variational autoencoder: a model with a training step of its own."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("vae")
class Sampling(layers.Layer):
    """A point drawn from the normal distribution with this mean and logarithm of variance."""

    def __init__(self, seed=1, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, mean, log_variance):
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_variance) * noise

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("vae")
class Vae(keras.Model):
    """Encoder, sampling, decoder. Its loss is the reconstruction's and the latent's together."""

    def __init__(self, size=2, units=128, **kwargs):
        super().__init__(**kwargs)
        self.size, self.units = size, units
        self.scale = layers.Rescaling(1 / 255)
        self.flatten = layers.Flatten()
        self.hidden = layers.Dense(units, activation="relu")
        self.mean = layers.Dense(size, name="mean")
        self.log_variance = layers.Dense(size, name="log_variance")
        self.sampling = Sampling()
        self.decoder = keras.Sequential(
            [
                layers.Dense(units, activation="relu"),
                layers.Dense(28 * 28, activation="sigmoid"),
                layers.Reshape((28, 28)),
            ],
            name="decoder",
        )
        self.kl_tracker = keras.metrics.Mean(name="kl_loss")

    def call(self, image, training=False):
        mean, log_variance = self.encode(image)
        point = self.sampling(mean, log_variance) if training else mean
        return self.decoder(point) * 255.0

    def encode(self, image):
        """Mean and logarithm of variance of the latent point."""
        x = self.hidden(self.flatten(self.scale(image)))
        return self.mean(x), self.log_variance(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        true = ops.cast(y, "float32") / 255.0
        error = keras.losses.binary_crossentropy(true, y_pred / 255.0)
        reconstruction = ops.mean(ops.sum(error, axis=-1)) * 28
        mean, log_variance = self.encode(x)
        kl = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
        kl = ops.mean(ops.sum(kl, axis=-1))
        self.kl_tracker.update_state(kl)
        return reconstruction + kl

    def train_step(self, data):
        """One step of gradients, as keras.Model has it, on the loss above, clipped by norm."""
        import tensorflow as tf

        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
        weights = self.trainable_weights
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, weights), 1000.0)
        self.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
        return self.get_metrics_result()

    def get_config(self):
        return {**super().get_config(), "size": self.size, "units": self.units}


def build(size: int = 2, units: int = 128) -> keras.Model:
    """From uint8 (28, 28) to float32 (28, 28), pixels from 0 to 255 both."""
    model = Vae(size, units)
    model.compile(optimizer="adam")
    return model
